"""Stacks: one method per command on stacks.

The queries are in `stack_reader.py`, the commands that restore past states in `stack_reverts.py`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

from stackfold.application.arguments import checked
from stackfold.application.stacks.component_references import (
    Composition,
    NameByType,
    Names,
    NamesByType,
    components_in_stack,
    ids_by_type,
    named_components,
    unshared_components,
)
from stackfold.application.stacks.queries import StoredComponent
from stackfold.application.stacks.stack_reverts import StackReverts
from stackfold.application.stacks.views import StackView
from stackfold.domain.errors import NothingToChange
from stackfold.domain.stacks.component_type import ComponentType

if TYPE_CHECKING:
    from uuid import UUID

    from stackfold.application.stacks.import_export import Imported, OnConflict
    from stackfold.domain.eventsourcing.aggregate import Aggregate
    from stackfold.domain.stacks.stack import Stack

PREVIOUS = "-"
"""The reference of the stack that was active before."""


@checked
class Stacks(StackReverts):
    """Queries and commands on stacks.

    A `reference` is a name, an id or a unique prefix of either; None is the active stack.
    """

    def register(
        self,
        name: str,
        *,
        description: str = "",
        labels: Mapping[str, str] | None = None,
        activate: bool = False,
        why: str = "",
        components: NamesByType | None = None,
        **by_type: Unpack[Composition],
    ) -> StackView:
        """Register a stack.

        Args:
            name: Its name, unique among stacks.
            description: What it is for.
            labels: Label → text.
            activate: Whether to activate it in the same change.
            why: The reason.
            components: Component type → components; of several, the default one first. For types
                that are not Stackfold's, and where the type is a value.
            **by_type: The same, by the name of the type, such as `orchestrator="default"`.

        Raises:
            UnknownComponentType: There is no such component type.
            InvalidName: The name or a label breaks the rule for names.
            NotFound: A component does not exist.
            IncompleteStack: It has no orchestrator or no artifact store.
            Invalid: Two components of a type that allows one.
            InvalidStack: The components do not work together.
            NameTaken: Another stack has this name.
        """

        def command() -> "Sequence[Aggregate]":
            from stackfold.domain.stacks.stack import Stack

            found = self._named(components, by_type)
            stack = Stack.register(name, ids_by_type(found), description, labels)
            self._services.rules.require_composed(stack, found, registered=False)
            return [stack, self._services.activations.choose(stack.id)] if activate else [stack]

        return self._create(command, why)

    def update(
        self,
        reference: str | None = None,
        *,
        description: str | None = None,
        labels: Mapping[str, str | None] | None = None,
        add: bool = False,
        why: str = "",
        expected_revision: int | None = None,
        components: NamesByType | None = None,
        **by_type: Unpack[Composition],
    ) -> StackView:
        """Replace the components of the given types; what is not given stays unchanged.

        Args:
            reference: The stack.
            description: The new description; None leaves it unchanged.
            labels: Label → new text, or None to remove it.
            add: Whether to add components, instead of replacing, where a type allows several.
            why: The reason.
            expected_revision: The revision that this was decided on; None for any.
            components: Component type → components, as for `register`.
            **by_type: The same, by the name of the type.

        Raises:
            UnknownComponentType: There is no such component type.
            StaleRevision: It has another revision than the expected one.
            NotFound: The stack or a component does not exist.
            Protected: It is the default stack.
            Invalid: Two components of a type that allows one.
            InvalidStack: The components do not work together.
            NothingToChange: It has this state already.
            ConcurrentModification: A concurrent change touched the same types.
        """

        def command(stack: "Stack") -> None:
            found = self._named(components, by_type)
            ids = ids_by_type(found)
            for type in ids:
                if add and type.several_per_stack:
                    ids[type] = [*stack.components.get(type, ()), *ids[type]]
            stack.update(ids, description, labels)
            if ids:
                self._services.rules.require_composed(stack, found)

        return self._change(reference, command, why, expected_revision)

    def remove_components(
        self,
        reference: str | None,
        components: NamesByType,
        why: str = "",
        *,
        expected_revision: int | None = None,
    ) -> StackView:
        """Remove components from a stack.

        Args:
            reference: The stack.
            components: Component type → names; empty for all of that type.
            why: The reason.
            expected_revision: The revision that this was decided on; None for any.

        Raises:
            StaleRevision: It has another revision than the expected one.
            NotInStack: The stack does not contain one of them.
            IncompleteStack: It would have no orchestrator or no artifact store.
            Protected: It is the default stack.
        """

        def command(stack: "Stack") -> None:
            stack.remove_components(self._in_stack(stack, components))
            self._services.rules.require_composed(stack)

        return self._change(reference, command, why, expected_revision)

    def set_default(
        self,
        reference: str | None,
        components: NameByType,
        why: str = "",
        *,
        expected_revision: int | None = None,
    ) -> StackView:
        """Choose which of several components of a type steps use by default.

        Args:
            reference: The stack.
            components: Component type → the default component.
            why: The reason.
            expected_revision: The revision that this was decided on; None for any.

        Raises:
            StaleRevision: It has another revision than the expected one.
            NotInStack: The stack does not contain one of them.
            NothingToChange: Each of them is the default already.
            Protected: It is the default stack.
        """

        def command(stack: "Stack") -> None:
            before = stack.version
            for type, (id,) in self._in_stack(stack, components).items():
                if stack.components[type][0] != id:
                    stack.set_default(type, id)
            if stack.version == before:
                raise NothingToChange(stack.kind, stack.name, stack.version)

        return self._change(reference, command, why, expected_revision)

    def rename(
        self,
        reference: str | None,
        name: str,
        why: str = "",
        *,
        expected_revision: int | None = None,
    ) -> StackView:
        """Rename a stack; an active stack stays active.

        Args:
            reference: Its name, id or a unique prefix of either.
            name: The new name.
            why: The reason.
            expected_revision: The revision that this was decided on; None for any.

        Raises:
            StaleRevision: It has another revision than the expected one.
            InvalidName: The new name breaks the rule for names.
            NameTaken: Another stack has this name.
            Protected: It is the default stack.
            NothingToChange: It has this name already.
        """
        return self._change(reference, lambda stack: stack.rename(name), why, expected_revision)

    def copy(
        self,
        reference: str | None,
        name: str,
        why: str = "",
        *,
        expected_revision: int | None = None,
    ) -> StackView:
        """Register a copy of a stack, including its labels, under a new name.

        Args:
            reference: The stack to copy.
            name: The name of the copy.
            why: The reason.
            expected_revision: The revision of the stack that is to be copied; None for any.

        Raises:
            NotFound: No stack matches.
            StaleRevision: The stack has another revision than the expected one.
            InvalidName: The new name breaks the rule for names.
            NameTaken: Another stack has this name.
        """

        def command() -> "Sequence[Aggregate]":
            from stackfold.domain.stacks.origin import Origin
            from stackfold.domain.stacks.stack import Stack

            original = self._load(self.get(reference).id)
            self._services.repository.expect(original, expected_revision)
            copy = Stack.register(
                name,
                original.components,
                original.description,
                original.labels,
                copied_from=Origin(id=original.id, revision=original.version),
            )
            return [copy]

        return self._create(command, why, locked=expected_revision is not None)

    def delete(
        self,
        reference: str,
        recursive: bool = False,
        why: str = "",
        *,
        expected_revision: int | None = None,
    ) -> StackView:
        """Delete a stack that is active nowhere, and return its last state.

        Args:
            reference: The stack.
            recursive: Whether to delete its components that no other stack contains.
            why: The reason.
            expected_revision: The revision that this was decided on; None for any.

        Raises:
            StaleRevision: It has another revision than the expected one.
            StackActive: It is active, here or in another project.
            Protected: It is the default stack.
        """
        view = self.get(reference)
        repository = self._services.repository

        def command() -> "Sequence[Aggregate]":
            stack = self._load(view.id)
            repository.expect(stack, expected_revision)
            stack.delete()
            if not recursive:
                return [stack]
            return [stack, *unshared_components(stack, repository, self._queries)]

        repository.attempt(command, why)
        return view

    def activate(
        self,
        reference: str,
        why: str = "",
        *,
        dry_run: bool = False,
        expected_position: int | None = None,
    ) -> StackView:
        """Activate a stack in the current project, or outside of projects everywhere.

        Args:
            reference: The stack; `-` for the one that was active before.
            why: The reason.
            dry_run: Whether to check everything without activating it.
            expected_position: The position of the log that this was decided on; None for any.

        Raises:
            NotFound: No stack matches.
            StalePosition: Another stack was activated after the expected position.
            InvalidStack: Its components do not work together.
            NothingToChange: It is active already.
        """
        from uuid import UUID

        find = self._queries.find_stack
        found = self._queries.previous_stack() if reference == PREVIOUS else find(reference)
        self._services.rules.require_composed(self._load(found.id))
        choose = self._services.activations.choose

        def command() -> "Sequence[Aggregate]":
            self._expect_active_since(expected_position)
            return [choose(UUID(found.id))]

        try:
            locked = expected_position is not None
            preview = (lambda positions: None) if dry_run else None
            self._services.repository.attempt(command, why, preview, locked=locked)
        except NothingToChange:
            message = f"stack {found.name!r} is active already"
            raise NothingToChange("stack", found.name, message=message) from None
        return self.get(found.id)

    def import_stack(
        self,
        document: object,
        name: str | None = None,
        *,
        on_conflict: "OnConflict" = "fail",
        origin: str = "the document",
        why: str = "",
    ) -> "Imported":
        """Register the stack that a document describes; see `ImportExport.import_stack`."""
        return self._services.import_export.import_stack(
            document, name, on_conflict=on_conflict, origin=origin, why=why
        )

    # -- private

    def _named(
        self, components: NamesByType | None, by_type: Composition
    ) -> dict[ComponentType, list[StoredComponent]]:
        given: dict[Any, Names] = dict(components.items()) if components else {}
        named = {**given, **by_type}
        return named_components(named, self._queries, self._services.component_types.of)

    def _in_stack(
        self, stack: "Stack", components: NamesByType
    ) -> "dict[ComponentType, Sequence[UUID]]":
        known = self._services.component_types.known
        return components_in_stack(stack, dict(components.items()), self._queries, known)

    def _load(self, id: str) -> "Stack":
        from stackfold.domain.stacks.stack import Stack

        return self._services.repository.load(Stack, id)

    def _create(
        self, command: "Callable[[], Sequence[Aggregate]]", why: str, locked: bool = False
    ) -> StackView:
        stack, position = self._services.repository.create(command, why, locked=locked)
        return self._queries.stack_by_id(str(stack.id), position)

    def _change(
        self,
        reference: str | None,
        command: "Callable[[Stack], None]",
        why: str,
        expected_revision: int | None,
    ) -> StackView:
        from stackfold.domain.stacks.stack import Stack

        id = self.get(reference).id
        self._services.repository.change(Stack, id, command, why, expected_revision)
        return self._queries.stack_by_id(id)
