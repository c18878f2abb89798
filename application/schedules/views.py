"""Views of schedules."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class ScheduleView(NamedTuple):
    """A schedule, now or at a point in the past."""

    id: str
    name: str
    pipeline: str
    """The location of the pipeline: "file.py:name" or "module:name"."""
    when: str
    """When it starts runs, such as "0 6 * * 1-5 (Europe/Berlin)"."""
    stack: str | None
    """The name of the stack; None for the one that is active when a run starts."""
    state: str
    """"enabled" or "paused"."""
    next: str | None
    """The next time: RFC 3339, UTC; None if there is none, or for a point in the past."""
    last: str | None
    """The last time that a run was started for: RFC 3339, UTC."""
    last_run: str | None
    """The name of that run; None if it was deleted."""
    cron: str | None
    every: int | None
    """Seconds between two runs, counted from `starts`."""
    once: str | None
    trigger: Mapping[str, Any] | None
    """The event that it starts runs after, with what the event must be about."""
    timezone: str
    starts: str | None
    ends: str | None
    catch_up: str
    """"none", "last" or "all": which missed times are made up for."""
    catch_up_limit: int
    """The most missed times that "all" makes up for."""
    overlap: str
    """"skip" or "allow": whether a time is skipped while the run before is running."""
    parameters: Mapping[str, Any]
    configuration: Mapping[str, Any]
    description: str
    revision: int
    created: str
    """RFC 3339, UTC."""
    updated: str
    """When this revision was recorded: RFC 3339, UTC."""
    by: str
    """Who recorded this revision."""


class OccurrenceView(NamedTuple):
    """A time of a schedule with its run, or times in a row without one."""

    time: str
    """RFC 3339, UTC; or "#" and the position of the event that a run was started after."""
    outcome: str
    """The status of the run; or "missed", "skipped" or "not started"."""
    run: str | None
    """The name of the run."""
    times: int
    """The number of times; more than one only without a run."""
    until: str
    """The last of several times."""
    error: str
    """Why no run was started, in one line; empty with a run."""


class ScheduleDescription(NamedTuple):
    """A schedule with its next times, and its latest ones."""

    schedule: ScheduleView
    next_times: Sequence[str]
    """The next times: RFC 3339, UTC; none while it is paused."""
    occurrences: Sequence[OccurrenceView]
    """The latest times, newest first."""


class UnitFile(NamedTuple):
    """A file of systemd."""

    name: str
    text: str


class StartedRun(NamedTuple):
    """A run that a schedule has started."""

    time: str
    run: str
    """The id of the run."""
    name: str | None
    """None if it was deleted."""
    status: str | None
    started: str | None
    ended: str | None
