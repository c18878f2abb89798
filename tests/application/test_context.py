"""What a step can ask about its run, and add to its record."""

import threading
from typing import Annotated

import numpy as np
import pytest
from runnable import single

from stackfold.application.listing.listing import Condition, Listing
from stackfold.application.runs.context import get_context
from stackfold.application.secrets import redaction
from stackfold.domain.errors import (
    InvalidListing,
    InvalidPipeline,
    NotInStep,
    RunFailed,
    Unrecordable,
)
from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.domain.pipelines.run_configuration import RunConfiguration


def test_a_step_knows_its_run_and_its_stack(runs):
    def look() -> dict[str, object]:
        context = get_context()
        return {
            "run": [context.run, context.run_name, context.pipeline],
            "step": context.step,
            "stack": [context.pin.stack, context.pin.revision],
            "store": [context.artifact_store.flavor, context.artifact_store.configuration],
        }

    run = runs.start(single(look))
    assert runs.load(run.id, "only") == {
        "run": [run.id, run.name, "alone"],
        "step": "only",
        "stack": ["default", 1],
        "store": ["local", {"path": "artifacts"}],
    }


def test_there_is_no_context_outside_a_step():
    with pytest.raises(NotInStep, match=r"call get_context\(\) in a step of a run"):
        get_context()


@step
def train(rate: float = 0.1) -> tuple[Annotated[str, "model"], Annotated[float, "loss"]]:
    context = get_context()
    context.log_metadata({"epochs": 3, "rate": 1.0})
    context.log_metadata({"rate": rate})
    context.log_metadata({"layers": [1, 2]}, output="model")
    context.add_tags("slow", "team:vision")
    context.add_tags("small", "small", output="model")
    return "m", 0.5


def training():
    train.with_options(tags=["costly"], metadata={"owner": "ada"})()


@pytest.mark.parametrize("operator", [False, True])
def test_a_step_adds_to_its_record_and_to_those_of_its_outputs(runs, other_stack, operator):
    def there():
        train.with_options(step_operator=operator, tags=["costly"], metadata={"owner": "ada"})()

    run = runs.start(Pipeline(there), stack="other")
    (recorded,) = runs.steps(run.id)
    assert recorded.metadata == {"owner": "ada", "epochs": 3, "rate": 0.1}
    assert recorded.tags == ["costly", "slow", "team:vision"]
    model, loss = recorded.outputs
    assert (model.metadata, model.tags) == ({"layers": [1, 2]}, ["small"])
    assert (loss.metadata, loss.tags) == ({}, [])


def test_a_cached_step_tells_what_the_first_one_told(runs):
    runs.start(Pipeline(training))
    (recorded,) = runs.steps(runs.start(Pipeline(training)).id)
    assert recorded.status == "cached"
    assert recorded.metadata == {"owner": "ada", "epochs": 3, "rate": 0.1}
    assert recorded.tags == ["costly", "slow", "team:vision"]


@pytest.mark.parametrize("operator", [False, True])
def test_what_a_failed_step_had_told_is_recorded(runs, other_stack, operator):
    def fail():
        get_context().log_metadata({"rows": 3})
        raise ValueError("no")

    with pytest.raises(RunFailed) as caught:
        runs.start(single(fail, step_operator=operator), stack="other")
    (recorded,) = runs.steps(caught.value.run)
    assert (recorded.status, recorded.metadata) == ("failed", {"rows": 3})


def test_a_thread_of_a_step_can_use_its_context(runs):
    def work() -> int:
        context = get_context()
        threads = [
            threading.Thread(target=context.log_metadata, args=({f"t{number}": number},))
            for number in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return 1

    (recorded,) = runs.steps(runs.start(single(work)).id)
    assert recorded.metadata == {f"t{number}": number for number in range(8)}


@pytest.mark.parametrize(
    ("add", "line"),
    [
        (
            lambda c: c.log_metadata({"x": object(), "kept": 1}),
            "metadata 'x', which is or contains an object, which JSON cannot represent",
        ),
        (
            lambda c: c.log_metadata({"x": 2**80, "kept": 1}),
            "metadata 'x', which is or contains an integer over 64 bits, "
            "which JSON cannot represent",
        ),
        (
            lambda c: c.log_metadata({"x": 1}, output="y"),
            "metadata of an output 'y': it returns output",
        ),
        (lambda c: c.add_tags("a b"), "a tag: 'a b' cannot be a tag: use 1 to 64 characters"),
    ],
)
def test_what_cannot_be_recorded_costs_no_result(runs, caplog, add, line):
    def work() -> int:
        add(get_context())
        get_context().log_metadata({"kept": 1})
        return 1

    run = runs.start(single(work))
    assert runs.load(run.id, "only") == 1
    assert runs.steps(run.id)[0].metadata == {"kept": 1}
    (told,) = caplog.records
    assert told.name == "stackfold.metadata"
    assert told.getMessage().startswith(f"step 'only' goes on without {line}")


def test_metadata_of_every_place_is_recorded_in_values_that_json_carries(runs):
    noted = {"shape": (10, 3), "loss": float("nan"), 0: np.float32(0.5), "seen": np.int64(3)}
    recorded = {"shape": [10, 3], "loss": "nan", "0": 0.5, "seen": 3}

    def work() -> int:
        get_context().log_metadata(noted)
        get_context().log_metadata(noted, output="output")
        get_context().tracker.log_parameters(noted)
        return 1

    only = step(name="only", metadata={"given": noted})(work)

    def alone():
        only()

    chosen = RunConfiguration(metadata={"configured": noted})
    started = runs.start(Pipeline(alone, metadata={"piped": noted}), configuration=chosen)
    runs.log_metadata(started.id, {"later": noted})
    run = runs.describe(started.id)
    assert run.metadata == {"piped": recorded, "configured": recorded, "later": recorded}
    (only,) = run.steps
    assert only.metadata == {**recorded, "given": recorded, "parameters": recorded}
    assert only.outputs[0].metadata == recorded


def test_what_is_not_recordable_of_a_run_is_refused_before_anything_runs(runs):
    with pytest.raises(InvalidPipeline, match=r"'metadata' of step 'only': .* contains an object"):
        single(lambda: 1, metadata={"a": [object()]})
    run = runs.start(single(lambda: 1))
    with pytest.raises(Unrecordable, match="the metadata is or contains an object"):
        runs.log_metadata(run.id, {"a": object()})


def test_the_value_of_a_secret_is_left_out(runs, monkeypatch):
    monkeypatch.setattr(redaction, "_shown", {})
    monkeypatch.setattr(redaction, "_pattern", None)

    def work() -> int:
        redaction.remember("hunter22", "{{db.password}}")
        get_context().log_metadata({"url": ["postgres://ada:hunter22@db"]})
        return 1

    (recorded,) = runs.steps(runs.start(single(work)).id)
    assert recorded.metadata == {"url": ["postgres://ada:{{db.password}}@db"]}


# -- tags and metadata of runs


def test_a_run_has_the_tags_of_its_pipeline_and_of_its_configuration(runs):
    pipeline = Pipeline(training, tags=["nightly"], metadata={"team": "a"})
    chosen = RunConfiguration(tags=("urgent",), metadata={"ticket": 7})
    run = runs.describe(runs.start(pipeline, configuration=chosen).id)
    assert run.tags == ["nightly", "urgent"]
    assert run.metadata == {"team": "a", "ticket": 7}


def test_tags_and_metadata_can_be_added_to_a_run_later(runs):
    run = runs.start(Pipeline(training, tags=["nightly"]))
    runs.tag(run.id, add=["good"], remove=["nightly", "never"], why="looked at it")
    runs.log_metadata(run.name, {"accuracy": 0.9})
    after = runs.describe(run.id)
    assert (after.tags, after.metadata) == (["good"], {"accuracy": 0.9})


def test_runs_are_found_by_their_tags_and_by_when_they_started(runs):
    first = runs.start(Pipeline(training, tags=["good", "big", "stage=prod", "team:vision"]))
    second = runs.start(Pipeline(training, tags=["goo"]))

    def found(**wanted):
        return [run.id for run in runs.list(Listing(sort_by="position", **wanted))]

    assert found(tags=("good",)) == found(tags=("good", "big")) == [first.id]
    assert found(tags=("goo",)) == [second.id]
    assert found(tags=("stage=prod", "team:vision")) == [first.id]
    assert found(tags=('goo"',)) == found(tags=("big", "goo")) == []
    assert found(since=second.started) == [second.id]
    assert found(until=first.started) == [first.id]
    assert found(since="1h") == found(until="2100-01-01") == [first.id, second.id]
    assert found(since="2000-01-01", until="2001-01-01") == []
    assert found(where=(Condition("pipeline", "equals", "training"),), tags=("goo",)) == [second.id]


def test_components_have_neither_tags_nor_a_start(workspace):
    for wanted in ({"tags": ("a",)}, {"since": "1h"}):
        with pytest.raises(InvalidListing):
            workspace.stacks.list(Listing(**wanted))
