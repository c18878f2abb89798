"""Differences between two stacks, or between two states of one stack."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from stackfold.application.eventsourcing.as_of import AsOf
from stackfold.application.history.differences import differences
from stackfold.application.history.queries import History
from stackfold.application.history.views import Change
from stackfold.application.listing.reference import Reference
from stackfold.application.stacks.component_types import ComponentTypes
from stackfold.application.stacks.flavors import Flavors
from stackfold.application.stacks.queries import StackQueries
from stackfold.application.stacks.views import ComponentView, StackView
from stackfold.domain.errors import DidNotExistAt, NoSuchRevision, NotFound, StackfoldError
from stackfold.domain.stacks.component_type import ComponentType, in_order


class Diffs:
    """Compares stacks: their composition, and the configuration of their components."""

    def __init__(
        self,
        queries: StackQueries,
        history: History,
        flavors: Flavors,
        types: ComponentTypes,
    ) -> None:
        """Create the service.

        Args:
            queries: Reads stacks and components as they are or were.
            history: Reads the positions of revisions.
            flavors: Adds defaults to configurations.
            types: Finds component types.
        """
        self._types = types
        self._queries = queries
        self._history = history
        self._flavors = flavors

    def of_stacks(
        self,
        before: Reference,
        after: Reference | None = None,
        revisions: tuple[int, int | None] | None = None,
        as_of: tuple[AsOf, AsOf] = (None, None),
    ) -> list[Change]:
        """Return the fields in which two stacks, or two states of a stack, differ.

        Args:
            before: A stack.
            after: Another stack; None for the same.
            revisions: Two revisions of the stack; None as the second one is the latest.
            as_of: The points in the past at which the first and the second are compared.

        Raises:
            NoSuchRevision: The stack has no such revision.
            DidNotExistAt: It did not exist then.
        """
        positions = [self._queries.position(each) for each in as_of]
        if revisions:
            positions = [self._position(before, each) for each in revisions]
        elif after is None and as_of == (None, None):
            (latest,) = self._history.of_stack(before.id, limit=1)
            positions = [latest.change - 1, latest.position]
        return differences(
            self._state(before, positions[0], same=after is None),
            self._state(after or before, positions[1], same=after is None),
        )

    # -- private

    def _position(self, stack: Reference, revision: int | None) -> int | None:
        if revision is None:
            return None
        revisions = self._history.revisions(stack.id)
        position = next((each.position for each in revisions if each.number == revision), None)
        if position is None:
            raise NoSuchRevision("stack", stack.name, revision, len(revisions))
        return position

    def _state(self, stack: Reference, position: int | None, same: bool) -> dict[str, object]:
        """A stack as fields; where it is compared with itself, its name and absence count too."""
        try:
            view = self._queries.stack(stack.id, position)
        except NotFound:
            if same:
                return {}
            raise DidNotExistAt("stack", stack.name, position) from None
        components = self._queries.stack_components(stack.id, position)
        resolved = {component.id: self._resolved(component) for component in components}
        fields = _fields(view, components, resolved, self._types.several_per_stack)
        return {"name": view.name, **fields} if same else fields

    def _resolved(self, component: ComponentView) -> dict[str, object]:
        try:
            entry = self._flavors.entry(ComponentType(component.type), component.flavor)
            return self._flavors.resolved(entry, component.configuration)
        except StackfoldError:
            # The flavor was removed or changed: without its defaults, the explicit values remain.
            return component.configuration


def _fields(
    stack: StackView,
    components: Sequence[ComponentView],
    resolved: Mapping[str, Mapping[str, Any]],
    several_per_stack: Callable[[str], bool],
) -> dict[str, Any]:
    """Flatten a stack and the configuration of its components into fields.

    Args:
        stack: The stack.
        components: Its components.
        resolved: Component id → configuration, including defaults.
        several_per_stack: Whether a stack may contain several components of a type.
    """
    fields: dict[str, Any] = {}
    if stack.description:
        fields["description"] = stack.description
    fields |= {f"label {key}": text for key, text in stack.labels.items()}
    for type in in_order(stack.components):
        fields[type] = ", ".join(stack.components[type])
    for component in components:
        several = several_per_stack(component.type)
        prefix = f"{component.type}[{component.name}]" if several else component.type
        fields[f"{prefix}.flavor"] = component.flavor
        for attribute, value in sorted(resolved[component.id].items()):
            fields[f"{prefix}.{attribute}"] = value
    return fields
