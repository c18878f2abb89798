"""Views of the log: what each event changed, and the events themselves."""

from typing import Any, Literal, NamedTuple

Detail = Literal["changes", "runs", "all"]
"""How much of the log: changes only, without events of runs; runs as well, without their steps; or
every event."""

SEARCHED = 100_000
"""The largest number of events that a search for a text reads."""


class Change(NamedTuple):
    """One field, before and after; None where it was or is not set."""

    field: str
    before: Any
    after: Any


class HistoryEntry(NamedTuple):
    """What one event changed."""

    position: int
    """Its place in the log."""
    change: int
    """The position of the first event that was committed together with it."""
    when: str
    """When it was recorded: RFC 3339, UTC."""
    by: str
    why: str
    kind: str
    """What it changed: "stack", a component type, "flavor", "activation", "deployment", "run"."""
    name: str
    id: str
    revision: int
    action: str
    """What was done, such as "registered" or "updated"."""
    changes: list[Change]
    correlation_id: str | None = None
    """What ties it to other changes, such as the id of a request."""
    database_role: str | None = None
    """The role that the server authenticated; None in a file, which authenticates nobody."""
    package: str | None = None
    """The package that declares what it changed; None for what Stackfold declares."""


class LogEvent(NamedTuple):
    """An event as it was recorded."""

    position: int
    change: int
    """The position of the first event that was committed together with it."""
    recorded_at: str
    """The log's own time: RFC 3339, UTC; it never runs backwards."""
    id: str
    """Of the stack, component, flavor, activation, deployment or run that it belongs to."""
    revision: int
    topic: str
    """What happened, such as "stack.registered"."""
    data: dict[str, Any]
    """The event's fields as they were recorded, with `by`, `why` and `timestamp`; `class_version`,
    where it is there, tells which version of its fields they are."""
    head: str
    """The log up to this event, as "POSITION:HASH": give it to `subscribe` to continue after it."""


class LastVerified(NamedTuple):
    """The last time that all of the log was found intact."""

    position: int
    """The last position then."""
    when: str
    """RFC 3339, UTC."""
    holds: bool
    """Whether the log has the same event at that position, and so the same ones before it."""


class LogFilter(NamedTuple):
    """Which part of the log is wanted, and in which order."""

    after: int = 0
    """Only positions after this one."""
    upto: int | None = None
    """Only positions up to this one."""
    since: str | None = None
    """Only what was recorded at or after this time, as the log writes it."""
    until: str | None = None
    """Only what was recorded at or before this time, as the log writes it."""
    by: str | None = None
    kinds: tuple[str, ...] = ()
    """Only these; empty for all."""
    name: str | None = None
    detail: Detail = "all"
    grep: str | None = None
    """Only events whose name, author, reason or recorded values contain this text."""
    limit: int | None = None
    newest_first: bool = True
