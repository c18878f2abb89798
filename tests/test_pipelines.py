"""What a user imports, and what happens when a pipeline is called."""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import stackfold
from stackfold import FinishedRun, Workspace, pipeline, step
from stackfold.errors import InvalidPipeline, NotFound, RunFailed
from stackfold.infrastructure.system.pipeline_source import load_pipeline

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


def test_all_errors_are_in_one_module():
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


def test_run_takes_a_configuration_as_a_dictionary():
    run = doubling.run(2, configuration={"tags": ["nightly"]})
    assert run.view.tags == ["nightly"]
    with pytest.raises(InvalidPipeline, match="unknown key in the configuration"):
        doubling.run(2, configuration={"tagz": ["nightly"]})


def test_a_wrong_parameter_is_rejected():
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


def test_a_pipeline_called_inside_another_is_a_part_of_it(home):
    @pipeline
    def outer():
        double.after(doubling(1))(2)

    assert [node.name for node in outer.graph().nodes] == [
        "doubling.double", "doubling.double_2", "double",
    ]  # fmt: skip
    assert not home.exists()


def test_no_run_is_started_while_a_pipeline_is_built(home):
    @pipeline
    def outer():
        doubling.run(1)

    with pytest.raises(InvalidPipeline, match="a run of pipeline 'doubling' is started inside"):
        outer.graph()
    assert not home.exists()


def test_a_parameter_named_like_an_option_is_rejected():
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
    # as a script, without warnings: the first thing that a new user sees
    done = subprocess.run(
        [sys.executable, "-W", "error", EXAMPLES / "digits.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "STACKFOLD_QUIET": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    first, second = done.stdout.splitlines()
    assert first.startswith("training-")
    assert first.endswith(" on stack 'default', revision 1:")
    assert re.fullmatch(r"the regression reads 9\d\.\d% of unseen digits right", second)
    assert done.stderr == ""


SCRIPT = """
import os
from dataclasses import dataclass
from stackfold import Workspace, pipeline, step

@dataclass
class Score:
    value: float
    process: int

def squared(x):
    return x * x

@step(step_operator=True)
def elsewhere(x: float) -> Score:
    print("computing")
    return Score(squared(x), os.getpid())

@step(step_operator=True)
def doubled(score: Score) -> Score:
    assert type(score) is Score
    return Score(2 * score.value, score.process)

@step
def here(score: Score) -> list[Score]:
    assert type(score) is Score
    return [score]

@pipeline
def scoring(x: float = 3.0):
    here(doubled(elsewhere(x)))

def check(load):
    (score,) = load("here")
    assert type(score) is Score
    assert score.value == 18.0
    assert score.process != os.getpid()

if __name__ == "__main__":
    check(scoring().load)
"""


@pytest.fixture
def script(tmp_path):
    with Workspace.open() as workspace:
        workspace.components.register("step_operator", "fresh", flavor="local")
        workspace.stacks.register(
            "two",
            orchestrator="default",
            artifact_store="default",
            step_operator="fresh",
            activate=True,
        )
    path = tmp_path / "scoring.py"
    path.write_text(SCRIPT)
    return path


@pytest.mark.slow
def test_what_a_script_defines_goes_to_another_process_and_back(script):
    environment = {
        **os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "STACKFOLD_QUIET": "1"
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, script], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("computing\n", "")


@pytest.mark.slow
def test_what_a_file_defines_goes_to_another_process_and_back(script, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    scoring = load_pipeline(str(script))
    with Workspace.open() as workspace:
        run = workspace.runs.start(scoring)
        sys.modules["scoring"].check(lambda step: workspace.runs.load(run.id, step))
    del sys.modules["scoring"]
