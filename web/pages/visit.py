"""A visit of a page: what was asked for, and what every page shows."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from urllib.parse import quote, urlencode

from stackfold.domain.rfc3339 import from_rfc3339
from stackfold.infrastructure.workspace import Workspace
from stackfold.web.pages.words import ago


class Frame(NamedTuple):
    """What every page shows around its content."""

    title: str
    path: str
    """The path of the page, below the prefix of the application."""
    root: str
    """The prefix of the application; empty at the top."""
    as_of: int | None
    """The position that the page shows the state at; None for now."""
    as_of_time: str | None
    """When the event at that position was recorded."""
    head: int
    """The last position of the log."""
    head_hash: str
    home: str
    """Where the log is."""
    now: str
    """The time of the request: RFC 3339, UTC."""
    commands: tuple[str, ...]
    """Commands that print what the page shows."""
    changes: bool = False
    """Whether the pages can change anything."""

    def url(self, path: str, **query: str | int | None) -> str:
        """The address of a page, at the same position unless the query names one.

        Args:
            path: Its path, such as "/stacks/prod".
            **query: Its query; fields that are None or empty are omitted.
        """
        fields = {"as_of": self.as_of, **query}
        given = urlencode(
            {name: value for name, value in fields.items() if value not in {None, ""}}
        )
        return f"{self.root}{quote(path)}" + (f"?{given}" if given else "")

    @property
    def reference_time(self) -> str:
        """The time that the page shows the state at."""
        return self.as_of_time or self.now

    def when(self, time: str) -> str:
        """A time as the page shows it; what is read later than it was made shows dates."""
        return ago(time, self.reference_time)

    def time_of_day(self, time: str) -> str:
        """A time below the heading of its day."""
        return time[11:16]

    @property
    def at(self) -> str:
        """The option of commands for the same position, with a leading space; empty for now."""
        return f" --as-of '#{self.as_of}'" if self.as_of else ""


class Moved(NamedTuple):
    """What a view returns instead of a page: the same content has another address."""

    path: str
    """Below the prefix of the application."""
    version: int | None = None
    """The version of an artifact, as a field of the query, which otherwise stays the same."""


class Visit(NamedTuple):
    """What was asked for."""

    workspace: Workspace
    path: str
    root: str
    query: Mapping[str, str]
    names: Mapping[str, str]
    """The variable parts of the path, such as the name of a stack."""
    as_of: int | None
    as_of_time: str | None
    now: str
    changes: bool = False
    """Whether the pages can change anything."""

    @property
    def until(self) -> str | None:
        """The position as queries take it."""
        return f"#{self.as_of}" if self.as_of else None

    @property
    def reference_time(self) -> datetime:
        """The time that the page shows the state at."""
        return from_rfc3339(self.as_of_time or self.now)

    def frame(self, title: str, *commands: str) -> Frame:
        """The frame of the page.

        Args:
            title: The title of the page.
            *commands: Commands that print what it shows.
        """
        head = self.workspace.log.head()
        return Frame(
            title=title,
            path=self.path,
            root=self.root,
            as_of=self.as_of,
            as_of_time=self.as_of_time,
            head=head.position,
            head_hash=head.hash.hex(),
            home=_location(self.workspace),
            now=self.now,
            commands=commands,
            changes=self.changes,
        )


def time_of(workspace: Workspace, position: int) -> str:
    """When the event at a position was recorded."""
    return next(iter(workspace.log.events(position - 1, position))).recorded_at


def _location(workspace: Workspace) -> str:
    """Where the log is, without a password."""
    shared = None if workspace.store is None else workspace.status().store
    return shared or str(workspace.home)
