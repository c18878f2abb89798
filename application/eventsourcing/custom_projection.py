"""The class of projections that programs write for tables of their own."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from stackfold.domain.eventsourcing.event import DomainEvent

Execute = Callable[[str, Sequence[Any]], list[Any]]
"""(statement, parameters) → the rows that it yields, as tuples."""


class ProjectionChange:
    """The transaction in which a projection changes its tables.

    Attributes:
        position: The position of the event that is applied; 0 when tables are created or dropped.
        recorded_at: When the event was recorded: RFC 3339, UTC; empty at position 0.
    """

    position = 0
    recorded_at = ""

    def __init__(self, execute: Execute) -> None:
        """Create a change.

        Args:
            execute: Executes a statement in the transaction.
        """
        self._execute = execute

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Execute a statement in the transaction that also commits the checkpoint.

        Args:
            statement: SQL, with `?` for each parameter on every database. In `CREATE TABLE` on
                PostgreSQL, TEXT, INTEGER and BLOB become TEXT COLLATE "C", BIGINT and BYTEA.
            parameters: The values of the parameters.

        Returns:
            The rows as tuples; none for a statement that yields none.
        """
        return self._execute(statement, parameters)


class Projection(ABC):
    """Maintains tables of one's own from the events of the log, each applied exactly once.

    A projection is declared when a workspace is opened, and then applied in the transaction that
    appends the events; or it follows the log with `Workspace.run_projection`. Either way, its
    changes and its checkpoint are committed together. A batch that fails is applied again, so
    `apply` must have no effect but those of `change`.

    Attributes:
        name: Identifies the checkpoint; by default the name of the class.
        topics: Only these events are applied, given by class or topic; empty for all events.
    """

    name: ClassVar[str] = ""
    topics: "ClassVar[Sequence[type[DomainEvent] | str]]" = ()

    def __init_subclass__(cls, **options: Any) -> None:
        """Name the projection after its class by default."""
        super().__init_subclass__(**options)
        if "name" not in vars(cls):
            cls.name = cls.__name__

    def create(self, change: ProjectionChange) -> None:  # noqa: B027  # optional
        """Create the tables; called before the first event, and when the projection is rebuilt.

        Args:
            change: Executes statements.
        """

    def drop(self, change: ProjectionChange) -> None:  # noqa: B027  # optional
        """Drop the tables, or delete their rows, when the projection is rebuilt.

        A projection that does not define it cannot be rebuilt.

        Args:
            change: Executes statements.
        """

    @abstractmethod
    def apply(self, event: Any, change: ProjectionChange) -> None:
        """Change the tables as the event requires.

        Args:
            event: The event, of its declared class and in the class's current version; a
                `LogEvent` if the workspace declares no class, since its package is not installed.
            change: Executes statements; has the position and the time of recording.
        """
