"""Going back: revert, restore and undo, each by recording a new revision."""

from collections.abc import Callable, Sequence
from typing import TypeVar, cast
from uuid import UUID

from stackfold.application.eventsourcing.as_of import AsOf
from stackfold.application.eventsourcing.repository import Repository, Undo
from stackfold.application.history.queries import History, Revision
from stackfold.application.history.views import HistoryEntry
from stackfold.application.listing.reference import Reference
from stackfold.application.stacks.flavors import Flavors
from stackfold.application.stacks.queries import Queries
from stackfold.domain.errors import (
    CannotUndo,
    ComponentDeleted,
    DidNotExistAt,
    IncompatibleConfiguration,
    InvalidConfiguration,
    InvalidFlavor,
    NameTaken,
    NeedsConfirmation,
    NoSuchRevision,
    NotDeleted,
    NothingToChange,
    NothingToUndo,
    UnknownFlavor,
)
from stackfold.domain.eventsourcing.aggregate import Revertible
from stackfold.domain.stacks.component import Component
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.domain.stacks.stack import Stack

R = TypeVar("R", bound=Revertible)


class Reverts:
    """Taking stacks and components back to what they were.

    Each method returns what it changed, as history entries, or with `dry_run` what it would
    change, of which then nothing is kept. A revert that cannot hold is refused as a whole.
    """

    def __init__(
        self, repository: Repository, queries: Queries, history: History, flavors: Flavors
    ) -> None:
        """Create the service.

        Args:
            repository: Loads and saves aggregates.
            queries: Reads current read models.
            history: Reads what happened to an aggregate.
            flavors: Checks that a past configuration is still valid.
        """
        self._repository = repository
        self._queries = queries
        self._history = history
        self._flavors = flavors

    def revert_stack(
        self,
        reference: str,
        to: int | None,
        as_of: AsOf,
        with_components: bool,
        confirmed: bool,
        dry_run: bool,
        why: str,
    ) -> list[HistoryEntry]:
        """Make a stack what it was at a revision or a point in the past."""
        found = self._queries.find_stack(reference)
        revision = self._revision("stack", found, to, as_of)

        def command() -> list[Revertible]:
            stack = self._repository.load(Stack, found.id)
            past = self._repository.load(Stack, found.id, revision.number)
            then = revision.position
            components = self._components_then(past, then) if with_components else []
            self._must_be_confirmed(stack, components, confirmed)
            if not with_components:
                self._must_be_there(past, with_components=True)
            if past.state != stack.state:
                stack.revert(past)
            elif not components:
                raise NothingToChange(stack.kind, stack.name, stack.version)
            return [*components, stack]

        # Which other stacks hold the components is asked, and must stay so until all is recorded.
        return self._record(command, why, dry_run, locked=with_components)

    def revert_component(
        self,
        type: ComponentType,
        reference: str,
        to: int | None,
        as_of: AsOf,
        dry_run: bool,
        why: str,
    ) -> list[HistoryEntry]:
        """Make a component what it was at a revision or a point in the past."""
        found = self._queries.find_component(type, reference)
        revision = self._revision("component", found, to, as_of, type.noun)

        def command() -> list[Revertible]:
            component = self._repository.load(Component, found.id)
            past = self._repository.load(Component, found.id, revision.number)
            self._must_fit(past)
            component.revert(past)
            return [component]

        return self._record(command, why, dry_run)

    def restore_stack(self, reference: str, dry_run: bool, why: str) -> list[HistoryEntry]:
        """Bring back a deleted stack, as it was before it was deleted."""
        found = self._history.find("stack", reference, deleted=True)

        def command() -> list[Revertible]:
            stack, past = self._deleted(Stack, found)
            self._must_be_there(past)
            stack.restore(past)
            return [stack]

        return self._record(command, why, dry_run)

    def restore_component(
        self, type: ComponentType, reference: str, dry_run: bool, why: str
    ) -> list[HistoryEntry]:
        """Bring back a deleted component, as it was before it was deleted."""
        found = self._history.find("component", reference, ComponentType(type), deleted=True)

        def command() -> list[Revertible]:
            component, past = self._deleted(Component, found)
            self._must_fit(past)
            component.restore(past)
            return [component]

        return self._record(command, why, dry_run)

    def undo(self, dry_run: bool = False, why: str = "") -> list[HistoryEntry]:
        """Take back the last change that was not taken back yet, whatever it was.

        Args:
            dry_run: Only tell what would change.
            why: The reason.

        Returns:
            What it changed.

        Raises:
            NothingToUndo: No change is left.
            CannotUndo: The last change is one of a deployment that is there.
        """

        def command() -> Undo:
            number, events = self._last_standing()
            first: dict[str, tuple[type[Revertible], int]] = {}
            for topic, id, version in events:
                kind = self._revertible(topic)
                if kind:
                    first[id] = kind, version
            aggregates = []
            # Newest first, so that nothing is taken away before what needs it is gone.
            for id, (kind, version) in first.items():
                aggregate = self._repository.load(kind, id)
                past = self._repository.load(kind, id, version - 1) if version > 1 else None
                if isinstance(past, Component) and not past.deleted:
                    self._must_fit(past)
                aggregate.become(past)
                aggregates.append(aggregate)
            return Undo(aggregates, number)

        return self._record(command, why, dry_run)

    # -- how it is done

    def _record(
        self,
        command: Callable[[], Sequence[Revertible] | Undo],
        why: str,
        dry_run: bool,
        locked: bool = False,
    ) -> list[HistoryEntry]:
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

    def _revision(
        self, kind: str, found: Reference, to: int | None, as_of: AsOf, noun: str = "stack"
    ) -> Revision:
        position = self._queries.position(as_of)
        if position is None:
            revisions = self._history.revisions(found.id)
            if to is None:
                # The one before the latest: what it was before it was last changed.
                to = max(1, len(revisions) - 1)
            if not 1 <= to <= len(revisions):
                raise NoSuchRevision(noun, found.name, to, len(revisions))
            position = revisions[to - 1].position
        past = self._history.revision(kind, found.id, position)
        if past is None:
            raise DidNotExistAt(noun, found.name, position)
        return Revision(past.number, position)

    def _deleted(self, kind: type[R], found: Reference) -> tuple[R, R]:
        """A deleted aggregate, and what it was before it was deleted."""
        aggregate = self._repository.load(kind, found.id)
        if not aggregate.deleted:
            raise NotDeleted(aggregate.kind, aggregate.name)
        return aggregate, self._repository.load(kind, found.id, aggregate.version - 1)

    def _components_then(self, past: Stack, position: int) -> list[Component]:
        """The components of a past stack, reverted or restored to what they were then."""
        changed = []
        for id in (id for ids in past.components.values() for id in ids):
            revision = self._history.revision("component", str(id), position)
            if revision is None:
                raise DidNotExistAt("component", str(id), position)
            then = self._repository.load(Component, id, revision.number)
            component = self._repository.load(Component, id)
            if component.deleted or not component.is_like(then):
                self._must_fit(then)
                component.become(then)
                changed.append(component)
        return changed

    def _must_be_confirmed(
        self, stack: Stack, components: Sequence[Component], confirmed: bool
    ) -> None:
        reached = {}
        for component in components:
            if others := set(self._queries.stacks_with(str(component.id))) - {stack.name}:
                reached[f"{component.kind} {component.name!r}"] = sorted(others)
        if reached and not confirmed:
            raise NeedsConfirmation(reached)

    def _must_be_there(self, past: Stack, with_components: bool = False) -> None:
        for type, ids in past.components.items():
            for id in (str(id) for id in ids):
                if not self._queries.existing("component", [id]):
                    name = self._repository.load(Component, UUID(id)).name
                    raise ComponentDeleted(
                        type.noun, name, past.name, type.command, with_components
                    )

    def _must_fit(self, past: Component) -> None:
        try:
            self._flavors.explicit(past.type, past.flavor, past.configuration)
        except (InvalidConfiguration, InvalidFlavor, UnknownFlavor) as error:
            raise IncompatibleConfiguration(past.kind, past.name, str(error)) from error

    def _last_standing(self) -> tuple[int, list[tuple[str, str, int]]]:
        """The last change that was not taken back, and takes none back itself."""
        taken_back = set()
        for number, undoes, events in self._history.changes():
            if undoes is not None:
                taken_back.add(undoes)
            elif number not in taken_back and number > FIRST_CHANGE:
                topic, id, _ = events[0]
                if self._revertible(topic):
                    return number, events
                self._must_be_gone(id, number)
        raise NothingToUndo

    def _revertible(self, topic: str) -> type[Revertible] | None:
        """The class of the aggregates of a topic; None if they cannot be reverted."""
        declared = self._repository.aggregates.type_of(topic)
        if declared is None or not declared.revertible:
            return None
        return cast(type[Revertible], declared.aggregate)

    def _must_be_gone(self, deployment: str, change: int) -> None:
        """Refuse to go past a deployment, which somebody may mean, unless it was deleted."""
        if self._queries.existing("deployment", [deployment]):
            (entry,) = self._history.of(deployment, 1)
            raise CannotUndo(change, "deployment", entry.name, entry.action)


FIRST_CHANGE = 1
"""The first use: what it registered stays."""
