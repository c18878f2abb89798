"""Views of reactions: how far they have come, and on which events they failed."""

from typing import NamedTuple


class ReactionView(NamedTuple):
    """A reaction that was run on the log at least once."""

    name: str
    position: int
    """The last event that it handled, parked, or was not interested in."""
    head: str
    """The log up to that event, as "POSITION:HASH"."""
    lag: int
    """The number of its events after that position."""
    retrying: int
    """The number of events that it failed on, and that are retried."""
    parked: int
    """The number of events that it failed on, and that are not retried any more."""
    running: bool
    """Whether a worker runs it now."""
    updated: str
    """When it last moved: RFC 3339, UTC."""


class FailedDelivery(NamedTuple):
    """An event on which a reaction failed."""

    reaction: str
    position: int
    topic: str
    status: str
    """"retrying", "parked" or "skipped" (until the worker notices)."""
    attempts: int
    """The number of calls so far."""
    due: str
    """When it is retried: RFC 3339, UTC."""
    error: str
    """The last error."""
