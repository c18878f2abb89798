"""Differences between two stacks, or between two states of one stack."""

from collections.abc import Mapping, Sequence
from typing import Any

from stackfold.application.eventsourcing.as_of import AsOf
from stackfold.application.history.differences import differences
from stackfold.application.history.queries import History
from stackfold.application.history.views import Change
from stackfold.application.listing.reference import Reference
from stackfold.application.stacks.flavors import Flavors
from stackfold.application.stacks.histories import Histories
from stackfold.application.stacks.queries import Queries
from stackfold.application.stacks.views import ComponentView, StackView
from stackfold.domain.errors import DidNotExistAt, NoSuchRevision, NotFound, StackfoldError
from stackfold.domain.stacks.component_type import ComponentType


class Diffs:
    """What differs, with everything behind it: composition and resolved configuration."""

    def __init__(
        self, queries: Queries, history: History, histories: Histories, flavors: Flavors
    ) -> None:
        """Ask the first three; resolve configurations by `flavors`."""
        self._queries = queries
        self._history = history
        self._histories = histories
        self._flavors = flavors

    def stack(
        self,
        before: str,
        after: str | None = None,
        revisions: tuple[int, int | None] | None = None,
        as_of: tuple[AsOf, AsOf] = (None, None),
    ) -> list[Change]:
        """The fields in which a stack differs from itself at another point, or from another.

        Args:
            before: A stack.
            after: Another one; by default the same.
            revisions: Two revisions of the stack; None for the second is the latest.
            as_of: The points at which the two sides are looked at.

        Raises:
            NotFound: There never was such a stack.
            NoSuchRevision: It has no such revision.
            DidNotExistAt: It did not exist then.
        """
        one = self._histories.find_stack(before)
        other = self._histories.find_stack(after) if after else one
        positions = [self._queries.position(each) for each in as_of]
        if revisions:
            positions = [self._position(one, each) for each in revisions]
        elif after is None and as_of == (None, None):
            (latest,) = self._history.of_stack(one.id, limit=1)
            positions = [latest.change - 1, latest.position]
        return differences(
            self._whole(one, positions[0], same=after is None),
            self._whole(other, positions[1], same=after is None),
        )

    # -- how it is done

    def _position(self, stack: Reference, revision: int | None) -> int | None:
        if revision is None:
            return None
        revisions = self._history.revisions(stack.id)
        position = next((each.position for each in revisions if each.number == revision), None)
        if position is None:
            raise NoSuchRevision("stack", stack.name, revision, len(revisions))
        return position

    def _whole(self, stack: Reference, position: int | None, same: bool) -> dict[str, object]:
        """Everything behind a stack; compared with itself, it has a name, or is not there yet."""
        try:
            view = self._queries.stack(stack.id, position)
        except NotFound:
            if same:
                return {}
            raise DidNotExistAt("stack", stack.name, position) from None
        components = self._queries.stack_components(stack.id, position)
        resolved = {component.id: self._resolved(component) for component in components}
        whole = _whole_stack(view, components, resolved)
        return {"name": view.name, **whole} if same else whole

    def _resolved(self, component: ComponentView) -> dict[str, object]:
        try:
            entry = self._flavors.entry(ComponentType(component.type), component.flavor)
            return self._flavors.resolved(entry, component.configuration)
        except StackfoldError:
            # Its flavor is gone, or wants another configuration by now: what was set still counts.
            return component.configuration


def _whole_stack(
    stack: StackView, components: Sequence[ComponentView], resolved: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Flatten a stack and the configuration of its components into fields.

    Args:
        stack: The stack.
        components: Its components.
        resolved: Component id → configuration, including defaults.
    """
    fields: dict[str, Any] = {}
    if stack.description:
        fields["description"] = stack.description
    fields |= {f"label {key}": text for key, text in stack.labels.items()}
    for type in ComponentType:
        if names := stack.components.get(type):
            fields[type.value] = ", ".join(names)
    for component in components:
        several = ComponentType(component.type).several_per_stack
        prefix = f"{component.type}[{component.name}]" if several else component.type
        fields[f"{prefix}.flavor"] = component.flavor
        for attribute, value in sorted(resolved[component.id].items()):
            fields[f"{prefix}.{attribute}"] = value
    return fields
