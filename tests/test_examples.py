"""The examples run in an empty folder."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stackfold.infrastructure.workspace import Workspace

EXAMPLES = Path(__file__).parents[1] / "examples"

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path):
    shutil.copy(EXAMPLES / "breast_cancer.py", tmp_path)
    return tmp_path


def run_in(folder, script):
    return subprocess.run(
        [sys.executable, "-W", "error", script],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "STACKFOLD_HOME": str(folder / "home"),
            "STACKFOLD_QUIET": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_selection_fails_without_an_approval_and_reuses_steps_afterwards(folder):
    pytest.importorskip("matplotlib")
    first = run_in(folder, "breast_cancer.py")
    assert first.returncode == 1
    assert "failed in step 'approve': PermissionError" in first.stderr
    with Workspace.open(folder / "home") as workspace:
        (run,) = workspace.runs.list()
        statuses = {step.name: step.status for step in workspace.runs.steps(run.id)}
        assert statuses.pop("approve") == "failed"
        assert set(statuses.values()) == {"completed"}
        assert workspace.runs.load(run.id, "plot").size == (500, 250)
    (folder / "approved").write_text("ada\n")
    second = run_in(folder, "breast_cancer.py")
    assert second.stderr == ""
    *scores, approved = second.stdout.splitlines()
    assert [line.split()[0] for line in scores] == ["logistic", "forest", "boosting"]
    assert all(float(line.split()[1]) > 0.95 for line in scores)
    assert approved == "approved by ada"
    with Workspace.open(folder / "home") as workspace:
        latest, *_ = workspace.runs.list()
        statuses = {step.name: step.status for step in workspace.runs.steps(latest.id)}
        assert statuses.pop("approve") == "completed"
        assert set(statuses.values()) == {"cached"}
        evaluated = next(s for s in workspace.runs.steps(latest.id) if s.name == "evaluate")
        assert list(evaluated.outputs[0].metadata) == ["boosting", "forest", "logistic"]
        assert latest.tags == ["example"]


def test_stacks_py_runs_on_the_default_stack(folder):
    shutil.copy(EXAMPLES / "stacks.py", folder)
    done = run_in(folder, "stacks.py")
    assert done.stderr == ""
    assert "on stack 'default': reads 9" in done.stdout
    with Workspace.open(folder / "home") as workspace:
        (run,) = workspace.runs.list()
        told = {step.name: step.metadata for step in workspace.runs.steps(run.id)}
    assert told["load"] == {}
    assert told["train"]["parameters"] == {"kind": "LogisticRegression", "pictures": 1347}
    assert 0 < told["train"]["metrics"]["loss"] < 0.2
    assert told["evaluate"]["metrics"]["accuracy"] == pytest.approx(0.96, abs=0.01)
