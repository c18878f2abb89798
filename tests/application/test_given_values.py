"""A pipeline function gives arrays, frames and pictures to steps, as they are."""

import numpy as np
import pandas as pd
import pytest

from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.errors import ArtifactInUse, InvalidPipeline, RunFailed

given = {"rows": 3}
broken = {"is": False}


@step
def total(data: np.ndarray, factor: int = 1) -> int:
    if broken["is"]:
        raise ValueError("broken")
    return int(data.sum()) * factor


@Pipeline
def summing(factor: int = 1):
    total(np.arange(given["rows"]), factor)


@step
def count(frame: pd.DataFrame) -> int:
    return len(frame)


@step
def join(parts: list[np.ndarray]) -> int:
    return sum(map(len, parts))


@pytest.fixture(autouse=True)
def as_before():
    given["rows"], broken["is"] = 3, False


def test_an_array_is_an_input_by_its_digest(runs, workspace):
    run = runs.start(summing)
    assert runs.load(run.id, "total") == 3
    (executed,) = runs.describe(run.id).steps
    assert [*executed.inputs] == ["data"]
    assert executed.parameters == {"factor": 1}
    (upstream,) = workspace.artifacts.lineage("summing/total").upstream
    assert upstream.inputs == {"data": "summing/total/input.data@1"}
    assert workspace.artifacts.load("summing/total/input.data").tolist() == [0, 1, 2]
    assert workspace.artifacts.lineage("summing/total/input.data").upstream == []


def test_an_equal_array_is_found_in_the_cache_and_another_is_not(runs):
    runs.start(summing)
    again = runs.start(summing)
    given["rows"] = 4
    other = runs.start(summing)
    statuses = [runs.describe(each.id).steps[0].status for each in (again, other)]
    assert statuses == ["cached", "completed"]
    assert runs.load(other.id, "total") == 6


def test_a_rerun_takes_what_the_run_was_given(runs, workspace):
    first = runs.start(summing)
    given["rows"] = 4
    again = runs.rerun(first.name, summing)
    assert runs.load(again.id, "total") == 3
    fresh = runs.rerun(first.name, summing, fresh_inputs=True)
    assert runs.load(fresh.id, "total") == 6
    assert len(workspace.artifacts.versions("summing/total/input.data")) == 2
    runs.delete(first.id)
    assert workspace.artifacts.load("summing/total/input.data@1").tolist() == [0, 1, 2]


def test_a_resumed_run_takes_what_it_was_given(runs):
    broken["is"] = True
    with pytest.raises(RunFailed):
        runs.start(summing)
    given["rows"], broken["is"] = 4, False
    (failed,) = runs.list()
    resumed = runs.resume(failed.name, summing)
    assert runs.load(resumed.id, "total") == 3


def test_frames_and_collections_of_arrays_are_given_too(runs):
    @Pipeline
    def counting():
        count(pd.DataFrame({"a": [1, 2]}))
        join([np.zeros(2), np.ones(3)])

    run = runs.start(counting)
    assert (runs.load(run.id, "count"), runs.load(run.id, "join")) == (2, 5)


def test_one_array_for_two_steps_is_stored_once_and_each_use_has_its_own_result(runs, workspace):
    array = np.arange(3)

    @Pipeline
    def twice():
        total(array)
        total(array)

    run = runs.start(twice)
    steps = runs.describe(run.id).steps
    assert [each.status for each in steps] == ["completed", "completed"]
    assert len({each.inputs["data"] for each in steps}) == 1


def test_a_value_of_another_type_and_an_object_are_rejected_before_the_run(runs):
    @Pipeline
    def wrong():
        total(pd.DataFrame({"a": [1]}))

    @Pipeline
    def odd():
        total(object())

    for pipeline in (wrong, odd):
        with pytest.raises(InvalidPipeline):
            runs.start(pipeline)
    assert runs.list() == []


def test_a_rebuild_keeps_it(runs, workspace):
    first = runs.start(summing)
    runs.rerun(first.name, summing)
    before = [*workspace.artifacts.list(), runs.describe(first.id)]
    workspace.log.rebuild()
    assert [*workspace.artifacts.list(), runs.describe(first.id)] == before


def test_what_a_running_pipeline_has_pinned_is_not_deleted(runs, workspace):
    from stackfold import artifact

    workspace.artifacts.save(np.arange(3), "dataset")

    @Pipeline
    def failing():
        total(artifact("dataset"))

    broken["is"] = True
    with pytest.raises(RunFailed):
        runs.start(failing)
    with pytest.raises(ArtifactInUse):
        workspace.artifacts.delete("dataset")
