"""Revert, restore and undo: each restores a past state as a new revision."""

from collections.abc import Callable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeVar, cast

from stackfold.application.eventsourcing.as_of import AsOf
from stackfold.application.eventsourcing.repository import Repository, Undo
from stackfold.application.history.expectations import stale
from stackfold.application.history.past_states import PastStates
from stackfold.application.history.queries import History
from stackfold.application.history.views import HistoryEntry
from stackfold.application.listing.reference import Reference
from stackfold.application.stacks.flavors import Flavors
from stackfold.application.stacks.queries import StackQueries
from stackfold.domain.errors import (
    CannotUndo,
    ComponentDeleted,
    DidNotExistAt,
    IncompatibleConfiguration,
    InvalidConfiguration,
    InvalidFlavor,
    NeedsConfirmation,
    NothingToChange,
    NothingToUndo,
    UndeclaredChange,
    UnknownFlavor,
)
from stackfold.domain.eventsourcing.aggregate import Revertible
from stackfold.domain.stacks.component import Component
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.domain.stacks.stack import Stack

R = TypeVar("R", bound=Revertible)

IsConsequence = Callable[[str, int], bool]
"""(id, revision of a deployment) → whether another change led to it, which undo goes back to."""


class Reverts:
    """Restores past states of stacks and components, as new revisions.

    Each method returns its changes as history entries; with `dry_run`, nothing is saved. A revert
    that a constraint forbids changes nothing.
    """

    def __init__(
        self,
        repository: Repository,
        queries: StackQueries,
        history: History,
        flavors: Flavors,
        is_consequence: IsConsequence,
    ) -> None:
        """Create the service.

        Args:
            repository: Loads and saves aggregates.
            queries: Reads current read models.
            history: Reads what happened to an aggregate.
            flavors: Checks that a past configuration is still valid.
            is_consequence: Whether a change of a deployment is not one to undo by itself.
        """
        self._repository = repository
        self._queries = queries
        self._history = history
        self._flavors = flavors
        self._is_consequence = is_consequence
        self._past = PastStates(repository, history, queries.position)

    def revert_stack(
        self,
        found: Reference,
        to: int | None,
        as_of: AsOf,
        with_components: bool,
        confirmed: bool,
        dry_run: bool,
        why: str,
        expected_revision: int | None,
    ) -> list[HistoryEntry]:
        """Revert a stack to a revision or a point in the past; see `Stacks.revert`."""
        revision = self._past.revision("stack", "stack", found, to, as_of)

        def command() -> list[Revertible]:
            stack, past = self._past.earlier(Stack, found, revision, expected_revision)
            components = self._reverted(past, revision.position) if with_components else []
            self._must_be_confirmed(stack, components, confirmed)
            if not with_components:
                self._components_must_exist(past, with_components=True)
            if past.state != stack.state:
                stack.revert(past)
            elif not components:
                raise NothingToChange(stack.kind, stack.name, stack.version)
            return [*components, stack]

        # Under the write lock, as other stacks must not take these components in the meantime.
        return self._past.record(command, why, dry_run, locked=with_components)

    def revert_component(
        self,
        type: ComponentType,
        reference: str,
        to: int | None,
        as_of: AsOf,
        dry_run: bool,
        why: str,
        expected_revision: int | None,
    ) -> list[HistoryEntry]:
        """Revert a component to a revision or a point in the past; see `Components.revert`."""
        id, _, name, *_ = self._queries.find_component(type, reference)
        found = Reference(id, name)
        revision = self._past.revision("component", type.noun, found, to, as_of)

        def command() -> list[Revertible]:
            component, past = self._past.earlier(Component, found, revision, expected_revision)
            self._must_fit(past)
            component.revert(past)
            return [component]

        return self._past.record(command, why, dry_run)

    def restore_stack(
        self, found: Reference, dry_run: bool, why: str, expected_revision: int | None
    ) -> list[HistoryEntry]:
        """Restore a deleted stack, with its state before it was deleted."""

        def command() -> list[Revertible]:
            stack, past = self._past.deleted(Stack, found, expected_revision)
            self._components_must_exist(past)
            stack.restore(past)
            return [stack]

        return self._past.record(command, why, dry_run)

    def restore_component(
        self,
        type: ComponentType,
        reference: str,
        dry_run: bool,
        why: str,
        expected_revision: int | None,
    ) -> list[HistoryEntry]:
        """Restore a deleted component, with its state before it was deleted."""
        found = self._history.find("component", reference, ComponentType(type), deleted=True)

        def command() -> list[Revertible]:
            component, past = self._past.deleted(Component, found, expected_revision)
            self._must_fit(past)
            component.restore(past)
            return [component]

        return self._past.record(command, why, dry_run)

    def undo(
        self, dry_run: bool = False, why: str = "", expected_position: int | None = None
    ) -> list[HistoryEntry]:
        """Undo the last change that was not undone already, whatever it changed.

        Args:
            dry_run: Whether to return the changes without making them.
            why: The reason.
            expected_position: The position of the log that this was decided on; None for any.

        Returns:
            The changes.

        Raises:
            StalePosition: A stack, component or flavor changed after the expected position.
            NothingToUndo: No change is left.
            CannotUndo: The last change is one of a deployment that exists.
        """

        def command() -> Undo:
            self._expect(expected_position)
            number, events = self._last_standing()
            aggregates: dict[str, Revertible] = {}
            undone: list[Any] = []
            # Step by step, newest first, so that each step has a state that was valid before.
            for (topic, id), steps in groupby(events, key=itemgetter(0, 1)):
                kind = self._revertible(topic)
                if kind is None:
                    (entry,) = self._history.of(id, 1)
                    raise CannotUndo(number, entry.kind, entry.name, entry.action)
                *_, (_, _, version) = steps
                if id not in aggregates:
                    aggregates[id] = self._repository.load(kind, id)
                past = self._repository.load(kind, id, version - 1) if version > 1 else None
                if isinstance(past, Component) and not past.deleted:
                    self._must_fit(past)
                aggregates[id].become(past)
                undone += aggregates[id].collect_events()
            return Undo(undone, number)

        # Under the write lock, so that nothing changes after the expectation was checked.
        return self._past.record(command, why, dry_run, locked=expected_position is not None)

    # -- private

    def _reverted(self, past: Stack, position: int) -> list[Component]:
        """The components of a past stack that have changed since, reverted or restored."""
        reverted = []
        ids = [str(id) for group in past.components.values() for id in group]
        revisions = self._queries.component_revisions(ids, position)
        for id in ids:
            if id not in revisions:
                raise DidNotExistAt("component", id, position)
            if not revisions[id].is_current:
                component, then = self._repository.load_with_past(
                    Component, id, revisions[id].number
                )
                self._must_fit(then)
                component.become(then)
                reverted.append(component)
        return reverted

    def _must_be_confirmed(
        self, stack: Stack, components: Sequence[Component], confirmed: bool
    ) -> None:
        if confirmed:
            return
        affected = {}
        for component in components:
            if others := set(self._queries.stacks_with(str(component.id))) - {stack.name}:
                affected[f"{component.kind} {component.name!r}"] = sorted(others)
        if affected:
            raise NeedsConfirmation(affected)

    def _components_must_exist(self, past: Stack, with_components: bool = False) -> None:
        ids = [str(id) for group in past.components.values() for id in group]
        existing = self._queries.existing("component", ids)
        for type, group in past.components.items():
            for id in group:
                if str(id) not in existing:
                    name = self._repository.load(Component, id).name
                    raise ComponentDeleted(
                        type.noun, name, past.name, type.command, with_components
                    )

    def _must_fit(self, past: Component) -> None:
        try:
            self._flavors.explicit(past.type, past.flavor, past.configuration)
        except (InvalidConfiguration, InvalidFlavor, UnknownFlavor) as error:
            raise IncompatibleConfiguration(past.kind, past.name, str(error)) from error

    def _expect(self, position: int | None) -> None:
        """Check that no configuration changed after a position."""
        if position is None:
            return
        number, _, events = next(self._history.changes())
        last = number + len(events) - 1
        if last > position:
            (entry,) = self._history.at([last])
            raise stale(entry, position)

    def _last_standing(self) -> tuple[int, list[tuple[str, str, int]]]:
        """The last change that was not taken back, and takes none back itself."""
        taken_back = set()
        for number, undoes, events in self._history.changes():
            if undoes is not None:
                taken_back.add(undoes)
            elif number not in taken_back and number > FIRST_CHANGE:
                self._require_declared(events, number)
                if any(self._revertible(topic) for topic, *_ in events):
                    return number, events
                topic, id, revision = events[0]
                if topic == "deployment" and not self._is_consequence(id, revision):
                    self._require_deleted(id, number)
        raise NothingToUndo

    def _require_declared(self, events: Sequence[tuple[str, str, int]], change: int) -> None:
        """Reject an undo of a change with events of a package that is not known.

        They may be revertible, so a program with the package would undo them: stepping over them
        would undo an earlier change than the last one.
        """
        for topic, id, revision in events:
            if self._repository.aggregates.type_of(topic) is None:
                entries = self._history.of(id)
                entry = next(each for each in entries if each.revision == revision)
                raise UndeclaredChange(change, topic, entry.package or "")

    def _revertible(self, topic: str) -> type[Revertible] | None:
        """The class of the aggregates of a topic; None if they cannot be reverted."""
        declared = self._repository.aggregates.type_of(topic)
        if declared is None or not declared.revertible:
            return None
        return cast(type[Revertible], declared.aggregate)

    def _require_deleted(self, deployment: str, change: int) -> None:
        """Reject an undo that would step over a deployment that still exists."""
        if self._queries.existing("deployment", [deployment]):
            (entry,) = self._history.of(deployment, 1)
            raise CannotUndo(change, "deployment", entry.name, entry.action)


FIRST_CHANGE = 1
"""The first use: what it registered stays."""
