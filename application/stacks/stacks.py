"""Stacks: compose, look up, change and activate them; one method per verb."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from typing_extensions import Unpack

from stackfold.application.eventsourcing.as_of import AsOf
from stackfold.application.eventsourcing.repository import Repository
from stackfold.application.history.views import Change, HistoryEntry
from stackfold.application.listing.listing import ALL, Listing
from stackfold.application.stacks.activations import Activations
from stackfold.application.stacks.component_references import (
    Composition,
    Names,
    component_ids,
    held,
    orphans,
)
from stackfold.application.stacks.histories import Histories
from stackfold.application.stacks.queries import Queries
from stackfold.application.stacks.views import StackView
from stackfold.domain.errors import NothingToChange, Violation
from stackfold.domain.eventsourcing.aggregate import Aggregate
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.domain.stacks.origin import Origin
from stackfold.domain.stacks.stack import Stack

if TYPE_CHECKING:
    from stackfold.application.stacks.diffs import Diffs
    from stackfold.application.stacks.reverts import Reverts
    from stackfold.application.stacks.validation import StackRules

PREVIOUS = "-"
"""Stands for the stack that was active before."""


class Stacks:
    """What can be done with stacks, and asked of them.

    A `reference` is a name, an id or a unique prefix of either; None stands for the active stack.
    """

    def __init__(
        self,
        repository: Repository,
        queries: Queries,
        histories: Histories,
        activations: Activations,
        reverts: Callable[[], "Reverts"],
        diffs: Callable[[], "Diffs"],
        rules: Callable[[], "StackRules"],
    ) -> None:
        """Create the service."""
        self._repository = repository
        self._queries = queries
        self._histories = histories
        self._activations = activations
        self._reverts = reverts
        self._diffs = diffs
        self._rules = rules

    def list(self, listing: Listing = ALL, as_of: AsOf = None) -> Sequence[StackView]:
        """The living stacks.

        Args:
            listing: Which of them, in which order.
            as_of: A point in the past (see `application.eventsourcing.as_of`); None for now.

        Raises:
            InvalidListing: A column that stacks do not have.
        """
        return self._queries.stacks(listing, self._queries.position(as_of))

    def get(self, reference: str | None = None, as_of: AsOf = None) -> StackView:
        """One stack.

        Raises:
            NotFound: Nothing answers to the reference.
            Ambiguous: The reference is a prefix of several.
        """
        position = self._queries.position(as_of)
        if reference is None:
            return self._queries.active_stack(position)
        return self._queries.stack(reference, position)

    def register(
        self,
        name: str,
        *,
        description: str = "",
        labels: Mapping[str, str] | None = None,
        activate: bool = False,
        why: str = "",
        **components: Unpack[Composition],
    ) -> StackView:
        """Compose a stack.

        Args:
            name: Its name, unique among the living stacks.
            description: What it is for.
            labels: Label → text.
            activate: Whether to make it the active stack in the same change.
            why: The reason.
            **components: Component type → components; of several, the default one first.

        Raises:
            InvalidName: The name or a label breaks the rule for names.
            NotFound: A component does not exist.
            IncompleteStack: It has no orchestrator or no artifact store.
            Invalid: Two components of a type that allows one.
            NameTaken: There is a stack of that name already.
        """

        def command() -> list[Aggregate]:
            stack = Stack.register(
                name, component_ids(components, self._queries), description, labels
            )
            self._rules().require_composed(stack, registered=False)
            return [stack, self._activations.choose(stack.id)] if activate else [stack]

        stack, position = self._repository.create(command, why)
        return self._queries.stack_by_id(str(stack.id), position)

    def update(
        self,
        reference: str | None = None,
        *,
        description: str | None = None,
        labels: Mapping[str, str | None] | None = None,
        add: bool = False,
        why: str = "",
        **components: Unpack[Composition],
    ) -> StackView:
        """Take other components for the given types; what is not given is kept.

        Args:
            reference: Which stack.
            description: The new description, or None to keep it.
            labels: Label → new text, or None to remove it.
            add: Whether components of types that allow several join those that are there,
                instead of replacing them.
            why: The reason.
            **components: Component type → components.

        Raises:
            NotFound: The stack or a component does not exist.
            Protected: It is the default stack.
            Invalid: Two components of a type that allows one.
            NothingToChange: It is like that already.
            ConcurrentModification: Somebody else changed the same types at the same time.
        """

        def command(stack: Stack) -> None:
            ids = component_ids(components, self._queries)
            if add:
                for type in ids:
                    if type.several_per_stack:
                        ids[type] = [*stack.components.get(type, ()), *ids[type]]
            stack.update(ids, description, labels)
            if ids:
                self._rules().require_composed(stack)

        return self._change(reference, command, why)

    def remove_components(
        self, reference: str | None, components: Mapping[ComponentType, Names], why: str = ""
    ) -> StackView:
        """Do without some components.

        Args:
            reference: Which stack.
            components: Component type → names, or none for all of that type.
            why: The reason.

        Raises:
            NotInStack: The stack does not hold one of them.
            IncompleteStack: It would have no orchestrator or no artifact store.
            Protected: It is the default stack.
        """

        def command(stack: Stack) -> None:
            stack.remove_components(held(stack, components, self._queries))
            self._rules().require_composed(stack)

        return self._change(reference, command, why)

    def set_default(
        self, reference: str | None, components: Mapping[ComponentType, str], why: str = ""
    ) -> StackView:
        """Of several components of one type, use this one unless a step says otherwise.

        Args:
            reference: Which stack.
            components: Component type → the component to come first.
            why: The reason.

        Raises:
            NotInStack: The stack does not hold one of them.
            NothingToChange: Each of them is the default already.
            Protected: It is the default stack.
        """

        def command(stack: Stack) -> None:
            before = stack.version
            for type, (id,) in held(stack, components, self._queries).items():
                if stack.components[type][0] != id:
                    stack.set_default(type, id)
            if stack.version == before:
                raise NothingToChange(stack.kind, stack.name, stack.version)

        return self._change(reference, command, why)

    def rename(self, reference: str | None, name: str, why: str = "") -> StackView:
        """Give a stack another name; if it is active, it stays so.

        Raises:
            InvalidName: The new name breaks the rule for names.
            NameTaken: There is a stack of that name already.
            Protected: It is the default stack.
            NothingToChange: It has that name already.
        """
        return self._change(reference, lambda stack: stack.rename(name), why)

    def copy(self, reference: str | None, name: str, why: str = "") -> StackView:
        """Register a stack like another one, labels and all, under a new name.

        Raises:
            InvalidName: The new name breaks the rule for names.
            NameTaken: There is a stack of that name already.
        """

        def command() -> list[Aggregate]:
            original = self._repository.load(Stack, self.get(reference).id)
            return [
                Stack.register(
                    name,
                    original.components,
                    original.description,
                    original.labels,
                    copied_from=Origin(id=original.id, revision=original.version),
                )
            ]

        stack, position = self._repository.create(command, why)
        return self._queries.stack_by_id(str(stack.id), position)

    def delete(self, reference: str, recursive: bool = False, why: str = "") -> StackView:
        """Delete a stack that is active nowhere, and return it as it was.

        Args:
            reference: Which stack.
            recursive: Whether to delete its components too, those that no other stack holds.
            why: The reason.

        Raises:
            StackActive: It is active, here or in another project.
            Protected: It is the default stack.
        """
        view = self.get(reference)

        def command() -> list[Aggregate]:
            stack = self._repository.load(Stack, view.id)
            stack.delete()
            return [stack, *(orphans(stack, self._repository, self._queries) if recursive else ())]

        self._repository.attempt(command, why)
        return view

    def activate(self, reference: str, why: str = "") -> StackView:
        """Make a stack the active one, here: in this project, or everywhere outside of projects.

        Args:
            reference: Which stack; `-` for the one that was active before.
            why: The reason.

        Raises:
            NotFound: Nothing answers to the reference.
            NothingToChange: Nothing changes.
        """
        find = self._queries.find_stack
        found = self._queries.previous_stack() if reference == PREVIOUS else find(reference)
        self._rules().require_composed(self._repository.load(Stack, found.id))
        try:
            self._repository.attempt(lambda: [self._activations.choose(UUID(found.id))], why)
        except NothingToChange:
            message = f"stack {found.name!r} is active already"
            raise NothingToChange("stack", found.name, message=message) from None
        return self.get(found.id)

    def check(self, reference: str | None = None, connect: bool = False) -> Sequence[Violation]:
        """What keeps a stack from working here and now, each with what fixes it; changes nothing.

        With `connect`, also asks what its components connect to; else nothing is contacted.

        Raises:
            NotFound: Nothing answers to the reference.
        """
        return self._rules().of_stack(self.get(reference), connect)

    # -- the past

    def history(
        self, reference: str | None = None, limit: int | None = None
    ) -> Sequence[HistoryEntry]:
        """What was done to a stack, and to its components while it held them; newest first.

        Args:
            reference: Which stack, deleted or not.
            limit: At most so many entries.

        Raises:
            NotFound: There never was such a stack.
        """
        return self._histories.of_stack(reference, limit)

    def diff(
        self,
        before: str | None = None,
        after: str | None = None,
        *,
        revisions: tuple[int, int | None] | None = None,
        as_of: tuple[AsOf, AsOf] = (None, None),
    ) -> Sequence[Change]:
        """What differs, composition and resolved configuration, field by field.

        With a stack alone: what its last change changed.

        Args:
            before: A stack; by default the active one.
            after: Another stack; by default the same.
            revisions: Two revisions of the stack; None for the second is now.
            as_of: The points in the past at which the two sides are looked at.

        Raises:
            NotFound: There never was such a stack.
            NoSuchRevision: It has no such revision.
            DidNotExistAt: It did not exist then.
        """
        return self._diffs().stack(before or self.get().id, after, revisions, as_of)

    def revert(
        self,
        reference: str,
        to: int | None = None,
        *,
        as_of: AsOf = None,
        with_components: bool = False,
        confirmed: bool = False,
        dry_run: bool = False,
        why: str = "",
    ) -> Sequence[HistoryEntry]:
        """Make a stack what it was, as a new revision.

        Args:
            reference: Which stack.
            to: The revision to go back to; by default the one before the latest.
            as_of: Instead of a revision, a point in the past.
            with_components: Whether its components become what they were then, too.
            confirmed: Whether components may change that other stacks hold as well.
            dry_run: Only tell what would change.
            why: The reason.

        Returns:
            What it changed.

        Raises:
            NoSuchRevision: It has no such revision.
            DidNotExistAt: It did not exist then.
            ComponentDeleted: A component that it held then was deleted.
            NeedsConfirmation: Other stacks would change, too.
            NameTaken: Another stack has the name by now that it had then.
            NothingToChange: It is like that.
        """
        return self._reverts().revert_stack(
            reference, to, as_of, with_components, confirmed, dry_run, why
        )

    def restore(
        self, reference: str, *, dry_run: bool = False, why: str = ""
    ) -> Sequence[HistoryEntry]:
        """Bring back a deleted stack, as it was before; returns what it changed.

        Raises:
            NotFound: There never was such a stack.
            NotDeleted: It is there.
            ComponentDeleted: A component that it held was deleted, too.
            NameTaken: Another stack has its name by now.
        """
        return self._reverts().restore_stack(reference, dry_run, why)

    # -- how it is done

    def _change(
        self, reference: str | None, command: Callable[[Stack], None], why: str
    ) -> StackView:
        id = self.get(reference).id
        return self.get(str(self._repository.change(Stack, id, command, why).id))
