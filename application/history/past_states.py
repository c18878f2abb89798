"""Past states of aggregates, and commands that restore them as new revisions."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from stackfold.application.eventsourcing.as_of import AsOf
from stackfold.application.eventsourcing.repository import Repository, Undo
from stackfold.application.history.queries import History, Revision
from stackfold.application.history.views import HistoryEntry
from stackfold.application.listing.reference import Reference
from stackfold.domain.errors import DidNotExistAt, NameTaken, NoSuchRevision, NotDeleted
from stackfold.domain.eventsourcing.aggregate import Revertible

R = TypeVar("R", bound=Revertible)


class PastStates:
    """Finds past states, and records what restores them."""

    def __init__(
        self, repository: Repository, history: History, position: Callable[[AsOf], int | None]
    ) -> None:
        """Create it.

        Args:
            repository: Loads and saves aggregates.
            history: Reads what happened to an aggregate.
            position: Returns the position of a point in the past; None for now.
        """
        self._repository = repository
        self._history = history
        self._position = position

    def record(
        self,
        command: Callable[[], Sequence[Revertible] | Undo],
        why: str,
        dry_run: bool,
        locked: bool = False,
    ) -> list[HistoryEntry]:
        """Save the aggregates of a command as one change; returns its entries.

        Args:
            command: Returns the aggregates; it must load them again in each call.
            why: The reason.
            dry_run: Whether to return the entries without saving.
            locked: Whether the command is called under the write lock.
        """
        previewed: list[HistoryEntry] = []

        def preview(positions: Sequence[int]) -> None:
            previewed.extend(self._history.at(positions))

        try:
            positions = self._repository.attempt(
                command, why, preview if dry_run else None, locked=locked
            )
        except NameTaken as error:
            raise NameTaken(error.kind, error.name, "rename or delete that one first") from None
        return previewed if dry_run else self._history.at(positions)

    def revision(
        self, topic: str, noun: str, found: Reference, to: int | None, as_of: AsOf
    ) -> Revision:
        """The revision of an aggregate that a caller means; by default the one before the latest.

        Args:
            topic: The topic of the aggregate.
            noun: The noun for messages.
            found: The aggregate.
            to: The number of the revision.
            as_of: A point in the past, instead of a number.

        Raises:
            DidNotExistAt: It did not exist then.
            NoSuchRevision: It has no such revision.
        """
        if as_of is not None and (position := self._position(as_of)):
            past = self._history.revision(topic, found.id, position)
            if past is None:
                raise DidNotExistAt(noun, found.name, position)
            return Revision(past.number, position)
        revisions = self._history.revisions(found.id)
        if to is None:
            to = max(1, len(revisions) - 1)
        if not 1 <= to <= len(revisions):
            raise NoSuchRevision(noun, found.name, to, len(revisions))
        return revisions[to - 1]

    def earlier(
        self,
        kind: type[R],
        found: Reference,
        revision: Revision,
        expected_revision: int | None,
    ) -> tuple[R, R]:
        """An aggregate, and its state at an earlier revision.

        Args:
            kind: Its class.
            found: The aggregate.
            revision: The earlier revision.
            expected_revision: The revision that it must have now; None for any.

        Raises:
            StaleRevision: It has another revision.
            DidNotExistAt: It was deleted then.
        """
        aggregate, past = self._repository.load_with_past(kind, found.id, revision.number)
        self._repository.expect(aggregate, expected_revision)
        if past.deleted:
            raise DidNotExistAt(past.kind, found.name, revision.position)
        return aggregate, past

    def deleted(
        self, kind: type[R], found: Reference, expected_revision: int | None
    ) -> tuple[R, R]:
        """A deleted aggregate, and its state before it was deleted.

        Args:
            kind: Its class.
            found: The aggregate.
            expected_revision: The revision that it must have; None for any.

        Raises:
            StaleRevision: It has another revision.
            NotDeleted: It exists.
        """
        aggregate = self._repository.load(kind, found.id)
        self._repository.expect(aggregate, expected_revision)
        if not aggregate.deleted:
            raise NotDeleted(aggregate.kind, aggregate.name)
        return aggregate, self._repository.load(kind, found.id, aggregate.version - 1)
