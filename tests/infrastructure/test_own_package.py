"""Stackfold as a wheel, made out of what is installed."""

import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

import stackfold
from stackfold.infrastructure.system.own_package import own_package

ROOT = Path(stackfold.__file__).parent


def test_it_is_the_code_that_runs():
    with zipfile.ZipFile(BytesIO(own_package().content)) as archive:
        names = {*archive.namelist()}
        assert (
            archive.read("stackfold/domain/stacks/stack.py")
            == (ROOT / "domain/stacks/stack.py").read_bytes()
        )
    assert {"stackfold/py.typed", "stackfold/cli/main.py"} <= names
    assert not [name for name in names if name.endswith(".pyc")]


def test_it_is_the_same_as_long_as_the_code_is():
    before = own_package()
    own_package.cache_clear()
    assert own_package().content == before.content


def test_pip_installs_it_and_it_runs(tmp_path):
    wheel = own_package()
    (tmp_path / wheel.name).write_bytes(wheel.content)
    target = tmp_path / "installed"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*command, "--target", target, tmp_path / wheel.name], check=True)
    told = subprocess.run(
        [sys.executable, "-c", "import stackfold, importlib.metadata as m; "
         "print(stackfold.__file__, m.version('stackfold'))"],
        env={"PYTHONPATH": str(target)}, cwd=tmp_path, check=True, capture_output=True, text=True,
    ).stdout.split()  # fmt: skip
    assert told == [str(target / "stackfold" / "__init__.py"), wheel.name.split("-")[1]]
    assert (target / "bin" / "stackfold").exists()
