"""A pipeline is run again from the record, wherever its code lies and however it was started."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from stackfold import Workspace

STACKFOLD = str(Path(sys.executable).with_name("stackfold"))
FLOW = """
    from dataclasses import dataclass
    from stackfold import pipeline, step
    from {helper} import value

    @dataclass
    class Report:
        value: int

    @step(enable_cache=False)
    def make() -> Report:
        return Report(value())

    @step
    def take(report: Report) -> int:
        assert type(report) is Report
        return report.value

    @pipeline
    def training():
        take(make())

    if __name__ == "__main__":
        training()
"""


@pytest.fixture
def code(tmp_path):
    """A function that writes a module with a pipeline, and the helper that it imports."""

    def written(place, helper):
        folder = tmp_path / "code" / place
        folder.mkdir(parents=True)
        (folder / "flow.py").write_text(textwrap.dedent(FLOW).format(helper=helper))
        (folder / "helper.py").write_text("def value():\n    return 5\n")
        return tmp_path / "code"

    return written


@pytest.fixture
def do(tmp_path):
    """A function that runs a command in a folder, and returns what it prints."""

    def done(command, folder, **environment):
        ended = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "STACKFOLD_HOME": str(tmp_path / "home"), **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout + ended.stderr

    return done


PLACES = {
    "module of a package": ("shop", ".helper", [sys.executable, "-m", "shop.flow"], ""),
    "module by its name": ("shop", ".helper", [STACKFOLD, "pipeline", "run", "shop.flow"], ""),
    "module by its file": ("shop", ".helper", [STACKFOLD, "pipeline", "run", "shop/flow.py"], ""),
    "src layout": ("src/shop", "shop.helper", [sys.executable, "-m", "shop.flow"], "src"),
    "namespace package": ("org/shop", ".helper", [sys.executable, "-m", "org.shop.flow"], ""),
    "script in a package": ("shop", "helper", [sys.executable, "shop/flow.py"], ""),
    "script beside its helpers": (".", "helper", [sys.executable, "flow.py"], ""),
}


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES)
def test_a_run_is_repeated_and_taken_up_from_anywhere(code, do, tmp_path, place):
    where, helper, command, path = PLACES[place]
    folder = code(where, helper)
    if "namespace" not in place and where != ".":
        (folder / where / "__init__.py").touch()
    do(command, folder, PYTHONPATH=path)
    told = do([STACKFOLD, "run", "rerun", "training"], tmp_path)
    again, first = described(tmp_path)
    assert "is not what it was" not in told
    assert again.rerun_of == first.id
    assert types(again) == types(first)
    assert [each.status for each in again.steps] == ["completed", "cached"]


def described(folder):
    with Workspace.open(folder / "home") as ws:
        return [ws.runs.describe(each.id) for each in ws.runs.list()]


def types(run):
    return {output.type for step in run.steps for output in step.outputs}


@pytest.mark.slow
def test_the_record_names_the_module_and_where_it_is_imported_from(code, do, tmp_path):
    folder = code("shop", ".helper")
    do([sys.executable, "-m", "shop.flow"], folder)
    (run,) = described(tmp_path)
    assert (run.source, run.import_root) == ("shop.flow:training", str(folder))
    (folder / "shop").rename(folder / "store")
    with pytest.raises(AssertionError, match="is a module neither in"):
        do([STACKFOLD, "run", "rerun", "training"], tmp_path)
