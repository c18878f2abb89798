"""The aggregates of one type of another package: queries and commands that fit all of them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar, cast

from stackfold.application.eventsourcing.aggregate_type import AggregateType
from stackfold.application.eventsourcing.as_of import AsOf
from stackfold.application.eventsourcing.read_model import ReadModel
from stackfold.application.eventsourcing.repository import Repository
from stackfold.application.history.differences import differences
from stackfold.application.history.past_states import PastStates
from stackfold.application.history.queries import History
from stackfold.application.history.views import Change, HistoryEntry
from stackfold.application.listing.reference import Reference
from stackfold.application.own_aggregates.queries import AggregateQueries, AggregateView
from stackfold.domain.errors import (
    DidNotExistAt,
    Invalid,
    InvalidAggregate,
    NoSuchRevision,
    NotFound,
    NothingToChange,
)
from stackfold.domain.eventsourcing.aggregate import Aggregate, Revertible

A = TypeVar("A", bound=Aggregate)


class AggregateCollection(Generic[A]):
    """The aggregates of one type that you declare, by name.

    A `reference` is a name, an id or a unique prefix of either. `Workspace.repository` loads and
    saves the aggregates themselves, by id.
    """

    def __init__(
        self,
        declared: AggregateType,
        model: ReadModel,
        repository: Repository,
        history: History,
        queries: AggregateQueries,
    ) -> None:
        """Use `Workspace.aggregates` instead of this.

        Args:
            declared: The aggregate type.
            model: Its read model.
            repository: Loads and saves aggregates.
            history: Reads what happened to an aggregate.
            queries: Reads the read model.
        """
        self._declared, self._model = declared, model
        self._repository, self._history, self._queries = repository, history, queries
        self._past = PastStates(repository, history, queries.position)

    def list(
        self,
        *,
        where: Mapping[str, str | int] | None = None,
        limit: int | None = None,
        as_of: AsOf = None,
    ) -> Sequence[AggregateView]:
        """Return the aggregates that exist, by name.

        Args:
            where: Column → value, of texts and numbers of the read model; None for all.
            limit: The most aggregates to return; None for all.
            as_of: A point in the past; None for now.

        Raises:
            Invalid: There is no such column, or the limit is negative.
        """
        wanted = dict(where or {})
        for column in wanted:
            if column not in self._model.columns or column in self._model.json:
                texts = (each for each in self._model.columns if each not in self._model.json)
                known = ", ".join(texts)
                raise Invalid(f"cannot select by {column!r:.100}: give one of {known}")
        if limit is not None and limit < 0:
            raise Invalid(f"limit={limit!r:.100} is negative: give 0 or more, or None")
        return self._queries.all(self._declared, wanted, limit, self._queries.position(as_of))

    def get(self, reference: str, *, as_of: AsOf = None) -> AggregateView:
        """Return one aggregate.

        Args:
            reference: The aggregate.
            as_of: A point in the past; None for now.

        Raises:
            NotFound: Nothing matches.
            Ambiguous: The prefix matches several aggregates.
        """
        return self._queries.one(self._declared, reference, self._queries.position(as_of))

    def load(self, reference: str, revision: int | None = None) -> A:
        """Load an aggregate, as an object of its class.

        Args:
            reference: The aggregate.
            revision: The revision to load; None for the latest.

        Raises:
            NotFound: Nothing matches, or it has no such revision.
        """
        return self._repository.load(self._class, self.get(reference).id, revision)

    def change(
        self,
        reference: str,
        command: Callable[[A], object],
        *,
        why: str = "",
        expected_revision: int | None = None,
    ) -> A:
        """Execute a command on an aggregate, and save it; retry after a lost race.

        Args:
            reference: The aggregate.
            command: Called with the aggregate; may be called again with a later revision.
            why: The reason.
            expected_revision: The revision that the command was decided on; None for any.

        Raises:
            NotFound: Nothing matches.
            StaleRevision: The aggregate has another revision than the expected one.
            ConcurrentModification: A concurrent change touched the same fields.
            StackfoldError: The command failed.
        """
        id = self.get(reference).id
        return self._repository.change(self._class, id, command, why, expected_revision)

    def history(self, reference: str, limit: int | None = None) -> Sequence[HistoryEntry]:
        """Return what happened to an aggregate, newest first; it may have been deleted.

        Args:
            reference: The name, or the id.
            limit: The most entries to return; None for all.

        Raises:
            NotFound: There never was such an aggregate.
            Invalid: The limit is negative.
        """
        if limit is not None and limit < 0:
            raise Invalid(f"limit={limit!r:.100} is negative: give 0 or more, or None")
        return self._history.of(self._find(reference).id, limit)

    def diff(
        self,
        reference: str,
        *,
        revisions: tuple[int, int | None] | None = None,
        as_of: tuple[AsOf, AsOf] = (None, None),
    ) -> Sequence[Change]:
        """Return the fields in which two states of an aggregate differ.

        By default, compares the states before and after its last change.

        Args:
            reference: The aggregate; it may have been deleted.
            revisions: Two of its revisions; None as the second one is the latest.
            as_of: Two points in the past, instead of revisions.

        Raises:
            NotFound: There never was such an aggregate.
            NoSuchRevision: It has no such revision.
            DidNotExistAt: It did not exist at either point.
        """
        found = self._find(reference)
        positions = [self._queries.position(each) for each in as_of]
        known = self._history.revisions(found.id)
        if revisions is None and as_of == (None, None):
            positions = [known[-1].position - 1, known[-1].position]
        elif revisions:
            for place, number in enumerate(revisions):
                if number is not None and not 1 <= number <= len(known):
                    raise NoSuchRevision(self._noun, found.name, number, len(known))
                positions[place] = None if number is None else known[number - 1].position
        states = [self._described(found, position) for position in positions]
        if not any(states):
            raise DidNotExistAt(self._noun, found.name, positions[-1])
        return differences(*states)

    def revert(
        self,
        reference: str,
        to: int | None = None,
        *,
        as_of: AsOf = None,
        dry_run: bool = False,
        why: str = "",
        expected_revision: int | None = None,
    ) -> Sequence[HistoryEntry]:
        """Restore an earlier state of an aggregate, as a new revision.

        Args:
            reference: The aggregate.
            to: The revision to restore; None for the one before the latest.
            as_of: A point in the past, instead of a revision.
            dry_run: Whether to return the changes without making them.
            why: The reason.
            expected_revision: The revision that this was decided on; None for any.

        Returns:
            The changes.

        Raises:
            InvalidAggregate: The aggregate type is not declared revertible.
            NotFound: Nothing matches, or it has no such revision.
            NothingToChange: Its state equals the past one.
            StaleRevision: The aggregate has another revision than the expected one.
        """
        kind = self._revertible_class()
        view = self.get(reference)
        found = Reference(view.id, view.name)
        revision = self._past.revision(self._declared.topic, self._noun, found, to, as_of)

        def command() -> Sequence[Revertible]:
            aggregate, past = self._past.earlier(kind, found, revision, expected_revision)
            aggregate.revert(past)
            if not aggregate.pending_events:
                raise NothingToChange(aggregate.kind, aggregate.name, aggregate.version)
            return [aggregate]

        return self._past.record(command, why, dry_run)

    def restore(
        self,
        reference: str,
        *,
        dry_run: bool = False,
        why: str = "",
        expected_revision: int | None = None,
    ) -> Sequence[HistoryEntry]:
        """Restore a deleted aggregate, with its state before it was deleted.

        Args:
            reference: Its last name, or its id.
            dry_run: Whether to return the changes without making them.
            why: The reason.
            expected_revision: The revision that this was decided on; None for any.

        Returns:
            The changes.

        Raises:
            InvalidAggregate: The aggregate type is not declared revertible.
            NotFound: There never was such an aggregate.
            NotDeleted: It exists.
            NameTaken: Another one has its name.
        """
        kind = self._revertible_class()
        found = self._find(reference, deleted=True)

        def command() -> Sequence[Revertible]:
            aggregate, past = self._past.deleted(kind, found, expected_revision)
            aggregate.restore(past)
            return [aggregate]

        return self._past.record(command, why, dry_run)

    @property
    def _class(self) -> type[A]:
        return cast(type[A], self._declared.aggregate)

    @property
    def _noun(self) -> str:
        return self._declared.topic

    def _revertible_class(self) -> type[Revertible]:
        if not self._declared.revertible:
            raise InvalidAggregate(self._noun, "it is not declared revertible")
        return cast(type[Revertible], self._declared.aggregate)

    def _find(self, reference: str, deleted: bool = False) -> Reference:
        """An aggregate that exists or was deleted."""
        self._queries.prepare(self._declared)
        if not deleted:
            try:
                view = self._queries.one(self._declared, reference, None)
            except NotFound:
                pass
            else:
                return Reference(view.id, view.name)
        return self._history.find(self._declared.topic, reference, deleted=deleted)

    def _described(self, found: Reference, position: int | None) -> dict[str, object]:
        """The fields of an aggregate at a position; none if it did not exist."""
        if position == 0:
            return {}
        try:
            row = self._queries.one(self._declared, found.id, position).row._asdict()
        except NotFound:
            return {}
        fields: dict[str, object] = {}
        for column, describe in self._model.describe.items():
            fields |= describe(row[column], {})
        return fields
