"""Queries for aggregates of other packages; `infrastructure` answers them by plain SQL."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from stackfold.application.eventsourcing.aggregate_type import AggregateType
from stackfold.application.eventsourcing.as_of import AsOf


class AggregateView(NamedTuple):
    """An aggregate as it is, or was at a point in the past."""

    id: str
    name: str
    revision: int
    created: str
    """When it was created: RFC 3339, UTC."""
    updated: str
    """When this revision was recorded: RFC 3339, UTC."""
    by: str
    """Who made this revision."""
    row: Any
    """The row of its read model, of the NamedTuple that declares it."""


class AggregateQueries(Protocol):
    """Reads the read models of aggregates of other packages."""

    def prepare(self, declared: AggregateType) -> None:
        """Create or update the tables of an aggregate type, unless they are current."""
        ...

    def position(self, as_of: AsOf) -> int | None:
        """The position of a point in the past; None for now."""
        ...

    def all(
        self,
        declared: AggregateType,
        where: Mapping[str, str | int],
        limit: int | None,
        as_of: int | None,
    ) -> list[AggregateView]:
        """The aggregates whose rows have some values, by name.

        Args:
            declared: Their type, which has a read model.
            where: Column → value.
            limit: The most aggregates to return; None for all.
            as_of: A position; None for now.
        """
        ...

    def one(self, declared: AggregateType, reference: str, as_of: int | None) -> AggregateView:
        """The aggregate with a name, an id or a unique prefix of either.

        Raises:
            NotFound: Nothing matches.
            Ambiguous: The prefix matches several aggregates.
        """
        ...
