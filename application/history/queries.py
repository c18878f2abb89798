"""Queries about the past; `infrastructure` answers them by plain SQL."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from stackfold.application.history.views import HistoryEntry, LogFilter
from stackfold.application.listing.reference import Reference
from stackfold.domain.stacks.component_type import ComponentType


class Revision(NamedTuple):
    """A revision of something, and where in the log it begins."""

    number: int
    position: int


class History(Protocol):
    """The questions about the past."""

    def log(self, wanted: LogFilter) -> Iterator[HistoryEntry]:
        """The part of the log that a filter asks for."""
        ...

    def at(self, positions: Sequence[int]) -> list[HistoryEntry]:
        """The events at these positions."""
        ...

    def of(self, id: str, limit: int | None = None, upto: int | None = None) -> list[HistoryEntry]:
        """What happened to a stack, component, flavor, deployment or run, newest first.

        Args:
            id: Its id.
            limit: The most entries to return.
            upto: The last position; None for the head.
        """
        ...

    def of_stack(
        self, id: str, limit: int | None = None, upto: int | None = None
    ) -> list[HistoryEntry]:
        """The same for a stack, with what happened to its components while it held them.

        Args:
            id: The stack.
            limit: The most entries to return.
            upto: The last position; None for the head.
        """
        ...

    def find(
        self,
        kind: str,
        reference: str,
        type: ComponentType | None = None,
        deleted: bool = False,
    ) -> Reference:
        """Something by name or id, whether it is there or was deleted.

        Args:
            kind: "stack", "component", "flavor" or "activation".
            reference: A name that it has or once had, or its id.
            type: For a component, its type.
            deleted: Whether what was deleted comes before what is there, instead of after it;
                then the latest comes first.

        Raises:
            NotFound: There never was one.
        """
        ...

    def revision(self, kind: str, id: str, position: int) -> Revision | None:
        """The revision of something that was true at a position; None if it was not there."""
        ...

    def revisions(self, id: str) -> list[Revision]:
        """Every revision of something with its position, oldest first."""
        ...

    def changes(self) -> Iterator[tuple[int, int | None, list[tuple[str, str, int]]]]:
        """Every change of configuration, newest first.

        Yields:
            Its number, the number of the change that it took back if it took one back, and its
            events as (aggregate's topic, id, revision), newest first. Runs are left out;
            deployments are included.
        """
        ...
