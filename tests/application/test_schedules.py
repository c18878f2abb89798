"""Schedules in a workspace: create, change, look up, and go back; on every database."""

from datetime import UTC, datetime, timedelta

import pytest
from freezegun import freeze_time
from workspaces import OPERATOR, ORCHESTRATOR, stack

from stackfold.errors import (
    Invalid,
    InvalidFile,
    InvalidPipeline,
    InvalidSchedule,
    NameTaken,
    NotFound,
    NothingToChange,
    StaleRevision,
)

PROGRAM = """
from stackfold import pipeline, step

@step
def scale(size: int, factors: list[float]) -> int:
    return size

@pipeline
def train(size: int = 1, factors: list[float] = (1.0,)):
    scale(size, factors)

@pipeline
def other():
    scale(1, [])
"""
DAILY = {"cron": "0 6 * * *", "timezone": "Europe/Berlin"}


@pytest.fixture
def source(tmp_path):
    (tmp_path / "training.py").write_text(PROGRAM)
    return f"{tmp_path}/training.py:train"


def create(ws, source, name="nightly", **options):
    return ws.schedules.create(name, source, **{**DAILY, **options})


def test_a_schedule_says_what_it_runs_and_when(ws, source):
    with freeze_time("2030-01-01T12:00:00Z"):
        view = create(ws, source, parameters={"size": "3"}, why="Retrain", description="daily")
        assert (view.name, view.pipeline, view.state, view.stack) == (
            "nightly", source, "enabled", None,
        )  # fmt: skip
        assert view.when == "0 6 * * * (Europe/Berlin)"
        assert view.next == "2030-01-02T05:00:00.000000Z"
        assert view.parameters == {"size": "3"}
        assert ws.schedules.list() == [view] == [ws.schedules.get(view.id[:8])]
        described = ws.schedules.describe("nightly")
        assert described.schedule == view
        assert described.next_times == [f"2030-01-0{day}T05:00:00.000000Z" for day in range(2, 7)]
        (entry,) = ws.schedules.history("nightly")
        assert (entry.action, entry.why) == ("created", "Retrain")


def test_an_interval_begins_when_it_is_created(ws, source):
    with freeze_time("2030-01-01T12:00:00Z"):
        for every in ("15m", timedelta(minutes=15)):
            view = ws.schedules.create(f"s{type(every).__name__}", source, every=every)
            assert (view.every, view.when) == (900, "every 15m")
            assert view.starts == "2030-01-01T12:00:00.000000Z"
            assert view.next == "2030-01-01T12:15:00.000000Z"


def test_a_single_time_is_in_the_time_zone(ws, source):
    view = ws.schedules.create("once", source, at="2040-07-01T06:00", timezone="Europe/Berlin")
    assert (view.once, view.next) == ("2040-07-01T04:00:00.000000Z",) * 2
    given = datetime(2040, 7, 1, 4, 0, 0, 5, tzinfo=UTC)
    assert ws.schedules.create("again", source, at=given).once == view.once


@pytest.mark.parametrize(
    ("options", "error", "problem"),
    [
        ({"parameters": {"size": "x"}}, InvalidPipeline, "size"),
        ({"parameters": {"sise": 1}}, InvalidPipeline, "sise"),
        ({"configuration": {"tag": []}}, InvalidPipeline, "tag"),
        ({"stack": "prod"}, NotFound, "prod"),
        ({"cron": None}, InvalidSchedule, "exactly one of"),
        ({"on": "stack-deleted", "cron": None}, InvalidSchedule, "stack-deleted"),
        ({"of": {"model": "churn"}}, InvalidSchedule, "only of an event"),
        ({"starts": "soon"}, InvalidSchedule, "the time 'soon'"),
    ],
)
def test_what_could_not_run_is_not_created(ws, source, options, error, problem):
    with pytest.raises(error, match=problem):
        create(ws, source, **options)
    assert ws.schedules.list() == []


def test_a_pipeline_that_is_elsewhere_is_not_checked_if_told_so(ws):
    with pytest.raises(InvalidFile):
        create(ws, "elsewhere.py:train")
    view = create(ws, "elsewhere.py:train", check=False)
    assert view.pipeline.endswith("/elsewhere.py:train")
    assert view.pipeline.startswith("/")


def test_a_name_is_taken_once(ws, source):
    create(ws, source)
    with pytest.raises(NameTaken):
        create(ws, source)
    ws.schedules.delete("nightly")
    create(ws, source)


def test_only_what_is_given_changes(ws, source):
    before = create(ws, source, parameters={"size": 3}, catch_up="last")
    after = ws.schedules.update("nightly", cron="30 * * * *", why="More often")
    changed = {name for name in before._fields if getattr(before, name) != getattr(after, name)}
    assert changed == {"cron", "when", "next", "revision", "updated"}
    assert ws.schedules.update("nightly", every="1h").cron is None
    with pytest.raises(NothingToChange):
        ws.schedules.update("nightly", catch_up="last")
    with pytest.raises(Invalid, match="catchup"):
        ws.schedules.update("nightly", catchup="all")
    with pytest.raises(StaleRevision):
        ws.schedules.update("nightly", overlap="allow", expected_revision=1)
    with pytest.raises(InvalidPipeline):
        ws.schedules.update("nightly", parameters={"size": "x"})
    other = source.replace(":train", ":other")
    assert ws.schedules.update("nightly", source=other, parameters={}).pipeline == other


def test_the_stack_is_one_by_name_or_the_active_one(ws, source):
    ws.stacks.copy("default", "prod")
    assert create(ws, source, stack="prod").stack == "prod"
    assert ws.schedules.update("nightly", stack=None).stack is None


def test_a_paused_schedule_has_no_next_time(ws, source):
    create(ws, source)
    assert ws.schedules.pause("nightly").next is None
    assert ws.schedules.describe("nightly").next_times == []
    assert ws.schedules.resume("nightly").next is not None


def test_the_past_has_the_schedules_of_then(ws, source):
    create(ws, source)
    position = ws.log.head().position
    ws.schedules.rename("nightly", "daily")
    ws.schedules.pause("daily")
    (then,) = ws.schedules.list(as_of=position)
    assert (then.name, then.state, then.next) == ("nightly", "enabled", None)
    assert ws.schedules.get("nightly", as_of=position) == then
    with pytest.raises(NotFound):
        ws.schedules.get("nightly")


def test_changes_are_undone_reverted_and_restored(ws, source):
    create(ws, source)
    ws.schedules.update("nightly", cron="@hourly")
    ws.undo()
    assert ws.schedules.get("nightly").cron == "0 6 * * *"
    ws.schedules.revert("nightly", 2)
    assert ws.schedules.get("nightly").cron == "0 * * * *"
    ws.schedules.delete("nightly")
    ws.schedules.restore("nightly")
    assert ws.schedules.get("nightly").cron == "0 * * * *"
    ws.schedules.revert("nightly", 1, dry_run=True)
    assert ws.schedules.get("nightly").cron == "0 * * * *"


def test_the_read_model_follows_from_the_log(ws, source):
    create(ws, source)
    ws.schedules.pause("nightly")
    before = ws.schedules.list()
    assert ws.log.verify().intact
    ws.log.rebuild()
    assert ws.schedules.list() == before


def test_what_may_run_a_schedule_in_a_cluster_follows_from_its_stack(ws, source):
    shared = {"shares_files": True, "image": "python"}
    ws.components.register(ORCHESTRATOR, "kube", "kubernetes", shared)
    ws.components.register(OPERATOR, "pods", "kubernetes", shared)
    ws.components.register(
        ORCHESTRATOR, "kubeflow", "kubeflow", {"kubeflow_hostname": "http://127.0.0.1:9"}
    )
    stack(ws, "kube", orchestrator="kube")
    stack(ws, "pods", step_operator="pods")
    stack(ws, "both", orchestrator="kubeflow", step_operator="pods")
    expected = {
        "kube": ["cronjob"],
        "pods": ["cronjob"],
        "both": ["cronjob", "recurring-run"],
        "default": [],
        None: [],
    }
    for number, (name, kinds) in enumerate(expected.items()):
        view = create(ws, source, f"schedule-{number}", stack=name)
        assert ws.schedules.cluster_kinds(view.id) == kinds
    event = ws.schedules.create("event", source, on="stack-activated", stack="kube")
    assert ws.schedules.cluster_kinds(event.id) == []
    ws.stacks.delete("kube")
    assert ws.schedules.cluster_kinds("schedule-0") == []
    with pytest.raises(NotFound):
        ws.schedules.cluster_kinds("missing")
