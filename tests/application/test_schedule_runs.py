"""What a scheduler starts, and what it records instead."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from stackfold import Workspace
from stackfold.application.schedules.running import RunSummary
from stackfold.errors import NotFound

PROGRAM = """
import time
from stackfold import pipeline, step

@step(enable_cache=False)
def work(seconds: float, fail: bool) -> int:
    time.sleep(seconds)
    if fail:
        raise ValueError("no luck")
    return 1

@pipeline(tags=["own"], metadata={"team": "vision"})
def job(seconds: float = 0.0, fail: bool = False):
    work(seconds, fail)
"""


@pytest.fixture
def home(tmp_path):
    with Workspace.open(tmp_path / "home", actor="eve@example.com") as workspace:
        yield workspace


@pytest.fixture
def source(tmp_path):
    (tmp_path / "job.py").write_text(PROGRAM)
    return f"{tmp_path}/job.py:job"


def past_due(ws, source, name="job", seconds=1, **options):
    """A schedule whose time comes right after it was created."""
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds)
    view = ws.schedules.create(name, source, at=at, **options)
    if view.next is None and view.state == "enabled":  # creating it took longer
        return past_due(ws, source, f"{name}-later", seconds * 2, **options)
    time.sleep(max(0.0, (at - datetime.now(UTC)).total_seconds()))
    return ws.schedules.get(view.id)


def outcomes(ws, schedule):
    return [each.outcome for each in ws.schedules.occurrences(schedule.id)]


def test_a_run_has_the_schedule_and_its_time(home, source):
    schedule = past_due(
        home, source, parameters={"seconds": 0}, configuration={"metadata": {"for": "us"}}
    )
    assert home.schedules.run(once=True) == RunSummary(1, 0)
    (run,) = home.runs.list(where=f"schedule = {schedule.name}")
    described = home.runs.describe(run.id)
    scheduled = {"schedule": schedule.name, "scheduled_for": schedule.once}
    assert described.metadata == {"for": "us", "team": "vision", **scheduled}
    assert (run.by, run.tags) == ("eve@example.com", ["own"])
    view = home.schedules.get(schedule.id)
    assert (view.last, view.last_run, view.next) == (schedule.once, run.name, None)
    assert view.revision == 1, "the schedule has no event of its own"
    (occurrence,) = home.schedules.occurrences(schedule.id)
    assert (occurrence.outcome, occurrence.run) == ("completed", run.name)
    assert home.runs.list(where="schedule = other") == []


def test_a_time_is_not_started_again_even_if_its_run_was_deleted(home, source):
    schedule = past_due(home, source)
    home.schedules.run(once=True)
    home.runs.delete(home.runs.list()[0].id)
    assert home.schedules.run(once=True) == RunSummary(0, 0)
    assert outcomes(home, schedule) == ["deleted"]


def test_a_run_that_fails_is_one_of_the_schedule(home, source):
    schedule = past_due(home, source, parameters={"fail": True})
    assert home.schedules.run(once=True) == RunSummary(1, 1)
    assert outcomes(home, schedule) == ["failed"]


@pytest.mark.slow
def test_what_cannot_be_started_is_recorded_in_one_line(home, source):
    home.stacks.copy("default", "prod")
    missing = past_due(home, "/gone/job.py:job", "missing", check=False)
    without_stack = past_due(home, source, "stackless", stack="prod")
    home.stacks.delete("prod")
    good = past_due(home, source, "good")
    assert home.schedules.run(once=True) == RunSummary(1, 2)
    assert outcomes(home, good) == ["completed"]
    for schedule, problem in ((missing, "does not exist"), (without_stack, "no stack 'prod'")):
        (occurrence,) = home.schedules.occurrences(schedule.id)
        assert (occurrence.outcome, occurrence.time) == ("not started", schedule.once)
        assert problem in occurrence.error
        assert "\n" not in occurrence.error
    assert home.schedules.run(once=True) == RunSummary(0, 0)


def test_only_the_schedules_that_are_named_are_run(home, source):
    one, other = past_due(home, source, "one"), past_due(home, source, "other")
    assert home.schedules.run(one.name, once=True) == RunSummary(1, 0)
    assert outcomes(home, other) == []
    with pytest.raises(NotFound):
        home.schedules.run("nope", once=True)


def test_a_paused_schedule_starts_nothing_and_makes_up_for_nothing(home, source):
    schedule = past_due(home, source, catch_up="all", paused=True)
    assert home.schedules.run(once=True) == RunSummary(0, 0)
    home.schedules.resume(schedule.id)
    assert home.schedules.run(once=True) == RunSummary(0, 0)


def test_the_code_is_that_of_the_time_of_the_start(home, source, tmp_path):
    past_due(home, source)
    (tmp_path / "job.py").write_text(PROGRAM.replace('"vision"', '"speech"'))
    home.schedules.run(once=True)
    assert home.runs.describe("latest").metadata["team"] == "speech"


def test_a_log_in_memory_has_no_process_to_run_in(source):
    with Workspace.in_memory() as ws:
        schedule = past_due(ws, source)
        assert ws.schedules.run(once=True) == RunSummary(0, 1)
        assert "in memory" in ws.schedules.occurrences(schedule.id)[0].error


def test_an_event_starts_one_run_of_each_schedule_that_waits_for_it(home, source):
    create = home.schedules.create
    create("any", source, on="stack-activated")
    create("prod", source, on="stack-activated", of={"stack": "prod"}, overlap="allow")
    create("promoted", source, on="model-promoted", of={"model": "m", "alias": "production"})
    reaction = home.reactions.installed("start-schedules")
    home.reactions.run(reaction, timeout=0)  # it begins with the next event
    home.stacks.copy("default", "prod")
    home.stacks.activate("prod")
    home.reactions.run(reaction, timeout=0)
    position = home.log.head().position
    started = {each.metadata["schedule"] for each in map(described(home), home.runs.list())}
    assert started == {"any", "prod"}
    (occurrence,) = home.schedules.occurrences("prod")
    assert occurrence.time.startswith("#")
    assert int(occurrence.time[1:]) < position
    home.reactions.reset("start-schedules", after=0)
    wait_for_runs(home)
    home.reactions.run(reaction, timeout=0)
    wait_for_runs(home)
    assert len(home.schedules.occurrences("prod")) == 1, "the event was handled before"


def described(ws):
    return lambda run: ws.runs.describe(run.id)


def wait_for_runs(ws):
    end = time.monotonic() + 120
    while any(run.status == "running" for run in ws.runs.list()):
        assert time.monotonic() < end
        time.sleep(0.1)


def test_runs_that_schedules_start_have_the_cause_of_the_event(home, source):
    home.schedules.create("any", source, on="stack-activated")
    reaction = home.reactions.installed("start-schedules")
    home.reactions.run(reaction, timeout=0)
    home.stacks.copy("default", "prod")
    home.stacks.activate("prod")
    home.reactions.run(reaction, timeout=0)
    wait_for_runs(home)
    (event,) = (each for each in home.log.events() if each.topic == "run.started")
    assert "reaction=start-schedules;hops=1" in event.data["correlation_id"]
    assert event.data["occurrence"]["time"].startswith("#")
