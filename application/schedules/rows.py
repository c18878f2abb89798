"""The read model of schedules."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from stackfold.application.eventsourcing.read_model import Names, ReadModel, shown
from stackfold.domain.rfc3339 import to_the_second
from stackfold.domain.schedules.intervals import interval_text


class ScheduleRow(NamedTuple):
    """A schedule at one revision."""

    name: str
    source: str
    import_root: str
    parameters: dict[str, Any]
    configuration: dict[str, Any]
    stack: str | None
    cron: str | None
    every: int | None
    """Seconds."""
    once: str | None
    """RFC 3339, UTC; as `starts`, `ends` and `accounted`."""
    reacts_to: dict[str, Any] | None
    """The event that it starts runs after, with what the event must be about."""
    timezone: str
    starts: str | None
    ends: str | None
    catch_up: str
    catch_up_limit: int
    overlap: str
    description: str
    state: str
    """"enabled" or "paused"."""
    accounted: str
    """The times up to this one need no run."""
    passed: dict[str, Any] | None
    """The last times without a run."""


def _every(seconds: int | None, names: Names) -> dict[str, Any]:
    return {"every": interval_text(seconds)} if seconds else {}


def _trigger(trigger: Mapping[str, Any] | None, names: Names) -> dict[str, Any]:
    return {"on": trigger_text(trigger)} if trigger else {}


def _limit(limit: int, names: Names) -> dict[str, Any]:
    return {} if limit == 10 else {"catch_up_limit": limit}


def _passed(passed: Mapping[str, Any] | None, names: Names) -> dict[str, Any]:
    return {"not started": passed_text(passed)} if passed else {}


def trigger_text(trigger: Mapping[str, Any]) -> str:
    """A trigger in words, such as "model-promoted (model churn, alias production)"."""
    filters = [f"{key} {trigger[key]}" for key in ("stack", "model", "alias") if trigger[key]]
    about = f" ({', '.join(filters)})" if filters else ""
    return f"{trigger['event']}{about}"


def passed_text(passed: Mapping[str, Any]) -> str:
    """Times without a run in words, such as "3 times from … to …: missed"."""
    first, last, count = passed["first"], passed["last"], passed["count"]
    when = to_the_second(last)
    if count > 1:
        when = f"{count} times from {to_the_second(first)} to {when}"
    return f"{when}: {_REASONS[passed['reason']]}{passed['error']}"


_REASONS = {
    "missed": "no process started it in time",
    "overlap": "the run before was still running",
    "failed": "",
}


def _parameters(parameters: Mapping[str, Any], names: Names) -> dict[str, Any]:
    return {f"parameter {name}": value for name, value in parameters.items()}


def _configuration(configuration: Mapping[str, Any], names: Names) -> dict[str, Any]:
    return {f"configuration {name}": value for name, value in configuration.items()}


SCHEDULES = ReadModel(
    topic="schedule",
    table="schedules",
    row=ScheduleRow,
    describe={
        "name": shown("name"),
        "source": shown("pipeline"),
        "parameters": _parameters,
        "configuration": _configuration,
        "stack": shown("stack"),
        "cron": shown("cron"),
        "every": _every,
        "once": shown("at"),
        "reacts_to": _trigger,
        **{each: shown(each) for each in ("timezone", "starts", "ends", "catch_up")},
        "catch_up_limit": _limit,
        **{each: shown(each) for each in ("overlap", "description", "state")},
        "passed": _passed,
    },
)
