"""What the commands on models need beyond queries."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from stackfold.application.eventsourcing.repository import Repository
    from stackfold.application.history.queries import History


class ModelServices(Protocol):
    """Services that are created on first use: importing them takes longer than a query."""

    @property
    def repository(self) -> "Repository":
        """Loads and saves aggregates."""
        ...

    @property
    def history(self) -> "History":
        """Reads what happened to models."""
        ...
