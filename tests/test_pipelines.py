"""What a user imports, and what happens when a pipeline is called."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import stackfold
from stackfold import FinishedRun, Workspace, pipeline, step
from stackfold.errors import InvalidPipeline, NotFound, RunFailed

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("STACKFOLD_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("STACKFOLD_ACTIVE_STACK", raising=False)
    return tmp_path / "home"


@step
def double(x: int) -> int:
    return 2 * x


@pipeline
def doubling(x: int = 1):
    """Twice twice."""
    double(double(x))


def test_every_public_name_can_be_imported():
    for name in stackfold.__all__:
        assert getattr(stackfold, name)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        stackfold.nothing  # noqa: B018


def test_the_errors_are_at_one_address():
    errors = importlib.import_module("stackfold.errors")
    assert issubclass(errors.RunFailed, errors.StackfoldError)


def test_calling_a_pipeline_runs_it_on_the_active_stack():
    run = doubling(3)
    assert isinstance(run, FinishedRun)
    assert (run.status, run.view.stack) == ("completed", "default")
    assert run.load("double_2") == 12
    assert [each.name for each in run.describe().steps] == ["double", "double_2"]
    with Workspace.open() as workspace:
        assert workspace.runs.get(run.name).id == run.id


def test_run_takes_a_stack_and_a_reason_beside_the_parameters():
    with Workspace.open() as workspace:
        workspace.stacks.register("prod", orchestrator="default", artifact_store="default")
    run = doubling.run(x=5, stack="prod", why="nightly")
    assert (run.view.stack, run.load("double_2"), run.describe().why) == ("prod", 20, "nightly")
    assert doubling.run(2).load("double") == 4
    with Workspace.open() as workspace:
        assert workspace.stacks.get().name == "default"
    with pytest.raises(NotFound):
        doubling.run(stack="missing")


def test_a_wrong_parameter_is_refused():
    with pytest.raises(InvalidPipeline, match="has no parameter 'y': it takes x"):
        doubling(y=1)
    with pytest.raises(InvalidPipeline, match="should be a valid integer"):
        doubling("many")


def test_a_failing_step_shows_the_users_own_traceback():
    @step
    def fail() -> int:
        raise ValueError("mine")

    @pipeline(name="bad")
    def failing():
        fail()

    with pytest.raises(RunFailed, match="failed in step 'fail': ValueError: mine") as caught:
        failing()
    assert isinstance(caught.value.__cause__, ValueError)


def test_a_pipeline_called_inside_another_is_refused(home):
    @pipeline
    def outer():
        doubling(1)

    with pytest.raises(InvalidPipeline, match="'doubling' is called inside another pipeline"):
        outer.graph()
    assert not home.exists()


def test_a_parameter_called_like_an_option_is_refused():
    with pytest.raises(InvalidPipeline, match="has a parameter 'stack'"):

        @pipeline
        def confused(stack: str):
            double(1)


def test_a_pipeline_keeps_its_name_and_docstring():
    assert (doubling.name, doubling.__name__, doubling.__doc__) == (
        "doubling", "doubling", "Twice twice.",
    )  # fmt: skip
    assert pipeline(name="other")(lambda: double(1)).name == "other"


@pytest.mark.slow
def test_the_example_runs(tmp_path, home):
    # as a script of its own, with no warning: what somebody sees who tries it first
    done = subprocess.run(
        [sys.executable, "-W", "error", EXAMPLES / "digits.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    first, second = done.stdout.splitlines()
    assert first.startswith("training-")
    assert first.endswith(" on stack 'default', revision 1:")
    assert second == "the regression reads 96.0% of unseen digits right"
    assert done.stderr == ""
