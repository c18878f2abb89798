"""A wheel of the installed Stackfold."""

import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

import stackfold
from stackfold.infrastructure.system.stackfold_wheel import stackfold_wheel

ROOT = Path(stackfold.__file__).parent


def test_the_wheel_contains_the_running_code():
    with zipfile.ZipFile(BytesIO(stackfold_wheel().content)) as archive:
        names = {*archive.namelist()}
        assert (
            archive.read("stackfold/domain/stacks/stack.py")
            == (ROOT / "domain/stacks/stack.py").read_bytes()
        )
    assert {"stackfold/py.typed", "stackfold/cli/main.py"} <= names
    assert not [name for name in names if name.endswith(".pyc")]


def test_the_same_code_results_in_the_same_wheel():
    before = stackfold_wheel()
    stackfold_wheel.cache_clear()
    assert stackfold_wheel().content == before.content


@pytest.mark.slow
def test_pip_installs_it_and_it_runs(tmp_path):
    wheel = stackfold_wheel()
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
