"""Points in the past: positions, times, dates, ages and runs."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from event_examples import EXAMPLES
from freezegun import freeze_time
from history.homes import RUN, append, rejected
from workspaces import STORE, names, stack, store

from stackfold.domain.errors import Ambiguous, AsOfOutOfRange, InvalidAsOf, NotFound
from stackfold.infrastructure.workspace import Workspace


@pytest.fixture
def ws():
    """A log that began on January 1st; each day at noon a stack was registered."""
    with freeze_time("2026-01-01 12:00:00"):
        workspace = Workspace.in_memory()
    with workspace:
        for day, name in ((2, "two"), (3, "three"), (4, "four")):
            with freeze_time(f"2026-01-0{day} 12:00:00"):
                stack(workspace, name)
        yield workspace


def then(ws, as_of):
    return [name for name in ("two", "three", "four") if name in names(ws.stacks.list(as_of=as_of))]


@pytest.mark.parametrize(
    ("as_of", "there"),
    [
        (4, []),
        ("#5", ["two"]),
        (5, ["two"]),
        (" #6 ", ["two", "three"]),
        (7, ["two", "three", "four"]),
        (None, ["two", "three", "four"]),
        ("2026-01-02T12:00:00Z", ["two"]),
        ("2026-01-02T12:00:00.000000Z", ["two"]),
        ("2026-01-02T12:00:00+00:00", ["two"]),
        ("2026-01-02T11:59:59.999999Z", []),
        ("2026-01-02T12:00:00", ["two"]),
        ("2026-01-02 12:00", ["two"]),
        ("2026-01-02T13:00:00+01:00", ["two"]),
        ("2026-01-02T12:59:59+01:00", []),
        ("2026-01-02T06:00:00-06:00", ["two"]),
        ("2026-01-02", []),
        ("2026-01-03", ["two"]),
        ("2030-01-01", ["two", "three", "four"]),
        (datetime(2026, 1, 3, 12, tzinfo=UTC), ["two", "three"]),
        (datetime(2026, 1, 3, 12), ["two", "three"]),  # noqa: DTZ001 without an offset it is UTC
        (datetime(2026, 1, 3, 13, tzinfo=timezone(timedelta(hours=1))), ["two", "three"]),
    ],
)
def test_as_of_a_position_or_a_time(ws, as_of, there):
    assert then(ws, as_of) == there


@pytest.mark.parametrize(
    ("age", "there"),
    [
        ("0s", ["two", "three", "four"]),
        ("90s", ["two", "three", "four"]),
        ("12h", ["two", "three", "four"]),
        ("721m", ["two", "three"]),
        ("1d", ["two", "three"]),
        ("36 h", ["two", "three"]),
        ("2d", ["two"]),
        ("3d", []),
    ],
)
def test_as_of_an_age(ws, age, there):
    with freeze_time("2026-01-05 00:00:00"):
        assert then(ws, age) == there


def test_as_of_a_run_means_its_start(ws):
    with freeze_time("2026-01-05"):
        append(ws, *(event for event in EXAMPLES if type(event) in RUN))
    with freeze_time("2026-01-06"):
        ws.stacks.delete("two")
    (run, *_) = ws.runs.list()
    for reference in (run.id, run.id[:8], run.id[:13], run.name, run.name[:-3]):
        assert then(ws, f"run:{reference}") == ["two", "three", "four"]
    assert then(ws, None) == ["three", "four"]


def test_every_query_accepts_a_point_in_the_past(ws):
    with freeze_time("2026-01-05"):
        store(ws, "shared", path="/one")
        ws.stacks.update("two", artifact_store="shared")
        ws.stacks.activate("two")
    with freeze_time("2026-01-06"):
        ws.components.update(STORE, "shared", {"path": "/two"})
        ws.components.rename(STORE, "shared", "common")
        ws.stacks.rename("two", "zwei")
        ws.stacks.activate("default")
    at = "2026-01-05"
    assert ws.stacks.get("two", as_of=at).components["artifact_store"] == ["shared"]
    assert ws.stacks.get(as_of=at).name == "two"
    assert ws.components.get(STORE, "shared", as_of=at).configuration == {"path": "/one"}
    assert ws.components.get(STORE, as_of=at).stacks == ["two"]
    assert names(ws.components.list(STORE, as_of=at)) == ["default", "shared"]
    with pytest.raises(
        NotFound, match="there is no stack 'two': there is default, four, three, zw"
    ):
        ws.stacks.get("two")
    with pytest.raises(NotFound):
        ws.stacks.get("zwei", as_of=at)


# -- what is rejected


@pytest.mark.parametrize(
    "as_of",
    [
        "", " ", "tomorrow", "#", "#x", "# 5", "#-1", "#1.5", "##5", "5", "-1h", "1y", "h", "1h2m",
        "2026-13-01", "2026-02-30", "2026-01-01T25:00:00Z", "run:", "run", "12:00", "#" + "9" * 30,
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
        "9999999999d", "999999999w", "\udcff", "0001-01-01T00:00:00+14:00",
    ],
)  # fmt: skip
def test_a_malformed_point_is_rejected(ws, as_of):
    with rejected(ws, InvalidAsOf, "is not a point in the past: give a position"):
        ws.stacks.list(as_of=as_of)


@pytest.mark.parametrize("as_of", ["#0", 0, -1, "#8", 10**15, "2026-01-01", "1999-12-31T23:59:59Z"])
def test_a_point_outside_of_the_log_is_rejected_with_its_range(ws, as_of):
    holds = r"it covers 2026-01-01T12:00:00.000000Z to #7"
    with rejected(ws, AsOfOutOfRange, f"the log has no state as of .*: {holds}"):
        ws.stacks.list(as_of=as_of)


def test_a_time_or_age_before_the_first_event_is_rejected(ws):
    with freeze_time("2026-01-05"), rejected(ws, AsOfOutOfRange, "the log has no state"):
        ws.stacks.list(as_of="5d")


@pytest.mark.parametrize("run", ["nope", "\udcff", "ABC", "%", "a b"])
def test_a_run_that_never_existed_is_rejected(ws, run):
    with rejected(ws, NotFound, "there is no run .*: give its name, its id"):
        ws.stacks.list(as_of=f"run:{run}")


def test_a_prefix_of_several_runs_is_rejected(ws):
    started = next(event for event in EXAMPLES if type(event) is RUN[0])
    for number in range(2):
        id = started.originator_id
        changed = {"originator_id": type(id)(int=id.int + number), "occurrence": None}
        append(ws, started.model_copy(update=changed))
    with rejected(ws, Ambiguous, "fits more than one run"):
        ws.stacks.list(as_of=f"run:{str(id)[:8]}")


def test_only_what_existed_then_is_found(ws):
    with rejected(ws, NotFound, "there is no stack 'four': there is default, two"):
        ws.stacks.get("four", as_of="2026-01-03")
    with rejected(ws, NotFound, "none was active yet"):
        ws.stacks.get(as_of="#1")
