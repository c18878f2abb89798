"""Metrics of runs as rows, and the run before a run."""

import pytest
from runnable import single

from stackfold import get_context
from stackfold.application.listing.listing import Condition, Listing
from stackfold.domain.errors import RunFailed


def measuring(**metadata):
    def work():
        get_context().log_metadata(metadata)
        if metadata.get("fails"):
            raise ValueError

    return single(work, enable_cache=False)


@pytest.fixture
def started(ws):
    """Three runs on `prod`, which is renamed after the second; the second fails."""
    ws.stacks.register("prod", orchestrator="default", artifact_store="default")
    first = ws.runs.start(measuring(auc=0.5, rows=3, name="x", ok=True), stack="prod")
    with pytest.raises(RunFailed):
        ws.runs.start(measuring(auc=0.25, fails=1), stack="prod")
    second = ws.runs.get("failed")
    ws.stacks.rename("prod", "production")
    third = ws.runs.start(measuring(metrics={"auc": 0.75, "loss": -1e-9}), stack="production")
    other = ws.runs.start(measuring(auc=1), stack="default")
    return first, second, third, other


def metrics(ws, run):
    return {(each.step, each.name): each.value for each in ws.runs.metrics(run.id)}


def test_numbers_in_metadata_are_metrics(ws, started):
    first, second, third, _ = started
    assert metrics(ws, first) == {("only", "auc"): 0.5, ("only", "rows"): 3.0}
    assert metrics(ws, second) == {("only", "auc"): 0.25, ("only", "fails"): 1.0}
    assert metrics(ws, third) == {("only", "auc"): 0.75, ("only", "loss"): -1e-9}
    ids = [run.id for run in started]
    assert ws.runs.metrics_of([*ids, "unknown"]) == {
        "unknown": [],
        **{id: ws.runs.metrics(id) for id in ids},
    }


def test_metrics_of_a_run_follow_its_metadata(ws, started):
    first, *_ = started
    ws.runs.log_metadata(first.id, {"cost": 2, "odd\0name": 1})
    assert metrics(ws, first)["", "cost"] == 2.0
    ws.runs.log_metadata(first.id, {"cost": "unknown"})
    assert ("", "cost") not in metrics(ws, first)
    before = [ws.runs.metrics(run.id) for run in started]
    ws.log.rebuild()
    assert [ws.runs.metrics(run.id) for run in started] == before
    assert ws.log.verify().intact
    ws.runs.delete(first.id)
    assert first.id not in {point.run for point in ws.runs.course("auc")}
    assert ws.log.verify().intact


def test_the_metrics_of_a_resumed_step_are_those_of_its_last_execution(ws, started):
    _, second, *_ = started
    again = ws.runs.resume(second.id, measuring(auc=0.9))
    assert metrics(ws, again) == {("only", "auc"): 0.9}


def test_the_course_of_a_metric_is_its_values_over_runs(ws, started):
    first, second, third, other = started
    course = ws.runs.course("auc")
    assert [(point.run, point.value) for point in course] == [
        (other.id, 1.0),
        (third.id, 0.75),
        (second.id, 0.25),
        (first.id, 0.5),
    ]
    stack = ws.stacks.get("production").id
    assert ws.runs.course("auc", stack_id=stack) == course[1:]
    assert ws.runs.course("auc", pipeline="alone", limit=2) == course[:2]
    assert ws.runs.course("auc", pipeline="other") == ws.runs.course("nothing") == []


def test_the_previous_run_is_of_the_same_pipeline_and_stack(ws, started):
    first, second, third, other = started
    assert ws.runs.previous(third.id).id == second.id
    assert ws.runs.previous(third.id, "completed") == first
    assert ws.runs.previous(first.id) is ws.runs.previous(other.id) is None


def test_runs_of_a_renamed_stack_are_listed_by_its_id(ws, started):
    first, second, third, _ = started
    condition = Condition("stack_id", "equals", ws.stacks.get("production").id)
    found = ws.runs.list(Listing(where=(condition,), sort_by="position", descending=True))
    assert [run.id for run in found] == [third.id, second.id, first.id]


def test_runs_and_metrics_are_found_by_indexes(ws, started, monkeypatch):
    executed = []
    read = ws._database.read

    def recorded(*arguments):
        executed.append(arguments)
        return read(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(ws._database, "read", recorded)
        ws.runs.previous(started[2].id, "failed")
        ws.runs.course("auc", limit=1)
    explain = "EXPLAIN"
    if "sqlite" in type(ws._database).__module__:
        explain = "EXPLAIN QUERY PLAN"
    else:
        for option in ("enable_seqscan", "enable_sort", "enable_bitmapscan"):
            read(f"SELECT set_config('{option}', 'off', false)")
    plans = [str(read(f"{explain} {sql}", *values)) for sql, *values in executed]
    assert "metrics_by_name_position" in plans[-1]
    assert "runs_by_stack_id_position" in plans[-2]
