"""Starts the process that executes the run of a schedule."""

from typing import NamedTuple

from stackfold.infrastructure.system.answering_process import AnsweringProcess

_MODULE = "stackfold.infrastructure.scheduled_run"


class Target(NamedTuple):
    """The log that a run belongs to."""

    home: str
    store: str | None


class Author(NamedTuple):
    """Who makes the changes of a run, and what ties them together."""

    actor: str
    correlation_id: str | None


def started_process(target: Target, by: Author, schedule: str, time: str) -> AnsweringProcess:
    """Start the process for a time of a schedule.

    Args:
        target: The log.
        by: Who runs the schedule.
        schedule: The id of the schedule.
        time: RFC 3339, UTC; or "#" and the position of an event.

    Raises:
        Unavailable: The system cannot start it.
    """
    request = {**target._asdict(), **by._asdict(), "schedule": schedule, "time": time}
    return AnsweringProcess(_MODULE, request)
