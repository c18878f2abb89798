"""Event metadata: what is recorded beside the data of an event."""

from typing import NamedTuple


class EventMetadata(NamedTuple):
    """Who made a change, why, and what it belongs to."""

    by: str
    """Who made the change."""
    why: str = ""
    """The reason, in their words; may be empty."""
    undoes: int | None = None
    """The change that this one takes back, by the position of its first event."""
    correlation_id: str | None = None
    """What ties this change to others, such as the id of a request."""
    database_role: str | None = None
    """The role that the database authenticated; None for a file, which authenticates nobody."""
    package: str | None = None
    """The package that declares the aggregate of the event, or the type of the component that it is
    about; None for those of Stackfold. It is the only field that may differ between the events of
    one change."""
