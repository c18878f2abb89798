"""A run executes a pipeline on one stack, pins what it used, and records what came of it."""

import dataclasses
import hashlib
import os
import tracemalloc
from typing import Annotated

import pytest
from runnable import OPERATOR, STORE, load, single, total, training

from stackfold.domain.errors import Ambiguous, InvalidPipeline, NotFound
from stackfold.domain.pipelines.pipeline import Pipeline, step

# -- what a run leaves


def test_a_run_completes_and_what_it_produced_can_be_loaded(runs):
    run = runs.start(training, {"rows": 4})
    assert (run.pipeline, run.status, run.stack, run.stack_revision) == (
        "training", "completed", "default", 1,
    )  # fmt: skip
    assert run.started <= run.ended
    assert runs.load(run.id, "split", "right") == [2, 3]
    assert runs.load(run.id, "total_2") == 5.0


def test_each_step_is_recorded_with_what_went_in_and_what_came_out(runs):
    run = runs.start(training)
    steps = {each.name: each for each in runs.steps(run.id)}
    assert list(steps) == ["load", "split", "total", "forget", "total_2"]
    assert {each.status for each in steps.values()} == {"completed"}
    assert steps["load"].parameters == {"rows": 4}
    assert steps["total"].parameters == {"factor": 2.0}
    assert steps["total_2"].parameters == {"factor": 1.0}
    left, right = steps["split"].outputs
    assert (left.name, right.name) == ("left", "right")
    assert steps["total"].inputs == {"data": left.id}
    assert steps["total"].upstream == ["split"]
    assert steps["forget"].outputs == []
    assert all(each.started <= each.ended for each in steps.values())


def test_an_artifact_says_what_and_where_it_is(runs):
    run = runs.start(single(lambda: b"bytes"))
    (artifact,) = runs.artifacts(run.id)
    assert (artifact.name, artifact.type, artifact.materializer, artifact.size) == (
        "output", "builtins.bytes", "bytes", 5,
    )  # fmt: skip
    assert artifact.digest == hashlib.sha256(b"bytes").hexdigest()
    assert artifact.uri.startswith("file:///")


def test_every_event_of_a_run_says_why(workspace, runs):
    run = runs.start(training, why="to see")
    assert runs.describe(run.id).why == "to see"


def test_a_run_is_found_by_name_id_or_unique_prefix(runs):
    run, other = runs.start(training), runs.start(training)
    assert runs.get(run.id) == runs.get(run.name) == runs.get(run.id[:13]) == run
    assert run.name == f"training-{run.id[:8]}"
    with pytest.raises(Ambiguous):
        runs.get("train")
    for unknown in ("nothing", ""):
        with pytest.raises(NotFound):
            runs.get(unknown)
    assert list(runs.list()) == [other, run]


def test_parameters_of_the_pipeline_are_recorded_with_its_defaults(runs):
    run = runs.start(training, {"rows": 6})
    assert runs.describe(run.id).parameters == {"rows": 6, "factor": 2.0}


# -- the pin


def test_a_run_pins_the_stack_and_the_resolved_configuration_of_its_components(runs):
    run = runs.start(training)
    pin = runs.describe(run.id).pin
    assert (pin["stack"], pin["revision"]) == ("default", 1)
    (store,) = pin["components"]["artifact_store"]
    assert (store["name"], store["flavor"], store["revision"]) == ("default", "local", 1)
    assert store["configuration"] == {"path": "artifacts"}  # a default, resolved


def test_runs_on_the_same_configuration_have_the_same_fingerprint(workspace, runs, other_stack):
    first, second = runs.start(training), runs.start(training, {"rows": 6})
    assert first.fingerprint == second.fingerprint
    assert runs.start(training, stack="other").fingerprint != first.fingerprint


def test_a_run_shows_the_revision_that_it_used_though_the_stack_has_changed(
    workspace, runs, other_stack, tmp_path
):
    first = runs.start(training, stack="other")
    workspace.components.update(STORE, "other", configuration={"path": str(tmp_path / "moved")})
    workspace.stacks.update("other", description="changed")
    workspace.stacks.rename("other", "renamed")
    second = runs.start(training, stack="renamed")
    assert (first.stack_revision, second.stack_revision) == (1, 3)
    assert runs.get(first.id).stack == "other"
    # and reads its artifacts from where they were put
    assert runs.load(first.id, "total") == runs.load(second.id, "total") == 2.0


def test_a_named_stack_is_used_without_touching_the_active_one(workspace, runs, other_stack):
    run = runs.start(training, stack="other")
    assert run.stack == "other"
    assert workspace.stacks.get().name == "default"
    assert other_stack.is_dir()
    assert runs.start(training).stack == "default"


def test_the_active_stack_is_used(workspace, runs, other_stack):
    workspace.stacks.activate("other")
    assert runs.start(training).stack == "other"


# -- nothing is recorded unless everything fits


@pytest.mark.parametrize("parameters", [{"row": 1}, {"rows": "many"}, {"rows": None}])
def test_parameters_are_checked_before_anything_is_recorded(runs, parameters):
    with pytest.raises(InvalidPipeline):
        runs.start(training, parameters)
    assert list(runs.list()) == []


def test_an_unknown_stack_is_refused_before_anything_is_recorded(runs):
    with pytest.raises(NotFound, match="there is no stack 'missing'"):
        runs.start(training, stack="missing")
    assert list(runs.list()) == []


@pytest.mark.parametrize(
    ("asked", "stack", "line"),
    [
        ("gpu", "other", "step 'only' requests the step operator 'gpu': stack 'other' has first, "
         "second"),
        ("gpu", None, "step 'only' requests the step operator 'gpu': stack 'default' has none"),
        (True, None, "step 'only' requests a step operator: stack 'default' has none"),
    ],
)  # fmt: skip
def test_an_unknown_step_operator_is_refused_before_anything_is_recorded(
    runs, other_stack, asked, stack, line
):
    with pytest.raises(InvalidPipeline) as caught:
        runs.start(single(lambda: 1, step_operator=asked), stack=stack)
    assert str(caught.value) == line
    assert list(runs.list()) == []


# -- values


def test_a_step_reads_its_inputs_from_the_store_so_that_none_sees_anothers_changes(runs):
    @step
    def change(data: list[int]) -> int:
        data.append(99)
        return len(data)

    def changing():
        data = load()
        change(data)
        total(data)

    run = runs.start(Pipeline(changing))
    assert runs.load(run.id, "total") == 6


def test_a_parameter_that_a_step_changes_is_whole_for_the_next(runs):
    @step
    def extend(names=None) -> list[str]:
        names.append("x")
        return names

    def extending(names: list[str]):
        extend(names)
        extend(names)

    run = runs.start(Pipeline(extending), {"names": ["a"]})
    assert runs.load(run.id, "extend_2") == ["a", "x"]


@dataclasses.dataclass
class Score:
    name: str
    value: float


def test_a_class_of_the_users_own_comes_back_as_itself(runs):
    @step
    def score() -> Score:
        return Score("a", 0.5)

    @step
    def better(one: Score, other: Score) -> Score:
        assert type(one) is type(other) is Score
        return max(one, other, key=lambda score: score.value)

    def comparing():
        better(score(), score())

    run = runs.start(Pipeline(comparing))
    assert runs.load(run.id, "better") == Score("a", 0.5)
    assert {artifact.materializer for artifact in runs.artifacts(run.id)} == {"json"}


# -- step operators


@pytest.mark.slow
def test_a_step_may_ask_for_an_operator_by_name_or_for_the_stacks_default(
    workspace, runs, other_stack
):
    def process() -> int:
        return os.getpid()

    def asking():
        step(name="default", step_operator=True)(process)()
        step(name="named", step_operator="second")(process)()
        step(name="here")(process)()

    run = runs.start(Pipeline(asking), stack="other")
    assert [each.step_operator for each in runs.steps(run.id)] == ["first", "second", None]
    pids = [runs.load(run.id, name) for name in ("default", "named", "here")]
    assert len(set(pids)) == 3
    assert pids[2] == os.getpid()
    workspace.stacks.set_default("other", {OPERATOR: "second"})
    run = runs.start(Pipeline(asking), stack="other")
    assert [each.step_operator for each in runs.steps(run.id)] == ["second", "second", None]


def test_values_flow_between_here_and_an_operator(runs, other_stack):
    @step(step_operator=True)
    def double(data: list[int], factor: int = 2) -> Annotated[list[int], "doubled"]:
        return [factor * each for each in data]

    def doubling():
        total(double(load(), factor=3))

    run = runs.start(Pipeline(doubling), stack="other")
    assert runs.load(run.id, "total") == 18


# -- cost


def test_each_step_is_one_event(workspace, runs):
    run = runs.start(training)
    topics = [
        topic
        for (topic,) in workspace._database.read(
            "SELECT topic FROM events WHERE originator_id = ? ORDER BY position", (run.id,)
        )
    ]
    assert topics == ["run.started", *["run.step_completed"] * 5, "run.completed"]


def test_memory_does_not_grow_with_the_number_of_steps(runs):
    def chain(length: int):
        data = total([1, 2])
        for _ in range(length):
            data = total([], factor=1.0) if data is None else forget_and_go_on(data)

    @step
    def forget_and_go_on(value: float) -> float:
        return value

    def peak(length):
        tracemalloc.start()
        runs.start(Pipeline(chain), {"length": length})
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(10)
    per_step = (peak(400) - peak(100)) / 300
    assert per_step < 6_000  # bytes: the graph, its record, and the log of a workspace in memory
