"""Pinning a stack, and setting up the components that a pin names."""

from collections.abc import Sequence

from stackfold.application.stacks.connections import Member
from stackfold.application.stacks.flavors import Flavors
from stackfold.application.stacks.queries import Queries
from stackfold.application.stacks.validation import StackRules, ValidationPhase
from stackfold.application.stacks.views import ComponentView, StackView
from stackfold.domain.errors import InvalidPipeline, Violation
from stackfold.domain.runs.pin import Pin, PinnedComponent
from stackfold.domain.stacks.component_type import ComponentType


class Pinning:
    """From a stack to a pin, and from a pin to components that can be used."""

    def __init__(self, queries: Queries, flavors: Flavors) -> None:
        """Find stacks by `queries`, and classes by `flavors`."""
        self._queries = queries
        self._flavors = flavors

    def check(self, pin: Pin) -> None:
        """Refuse a stack on which nothing could run here and now, before anything is begun.

        Raises:
            InvalidStack: It breaks rules, or wants packages or secrets that are not here.
        """
        StackRules(self._queries, self._flavors).require(
            pin.stack, _members(pin), ValidationPhase.USED
        )

    def violations(self, pin: Pin) -> Sequence[Violation]:
        """What `check` would refuse a stack for."""
        rules = StackRules(self._queries, self._flavors)
        return rules.violations(pin.stack, _members(pin), ValidationPhase.USED)

    def pin(self, reference: str | None) -> Pin:
        """The stack's revision, and the revisions and resolved configuration behind it.

        Args:
            reference: The stack, by name, id or unique prefix; the active one if None.

        Raises:
            NotFound: There is no such stack.
            InvalidConfiguration: A component no longer fits its flavor.
        """
        stack, components = self._composition(reference)
        pinned: dict[ComponentType, tuple[PinnedComponent, ...]] = {}
        for view in components:
            type = ComponentType(view.type)
            resolved = self._flavors.resolved(type, view.flavor, view.configuration)
            entry = self._flavors.entry(type, view.flavor)
            component = PinnedComponent.model_validate(
                {
                    "id": view.id,
                    "type": type,
                    "name": view.name,
                    "flavor": view.flavor,
                    "revision": view.revision,
                    "configuration": resolved,
                    "flavor_version": entry.version,
                    "source": entry.source,
                }
            )
            pinned[type] = (*pinned.get(type, ()), component)
        return Pin.model_validate(
            {
                "stack_id": stack.id,
                "stack": stack.name,
                "revision": stack.revision,
                "components": pinned,
            }
        )

    def required(self, pin: Pin, type: ComponentType) -> object:
        """The pinned component of a type, or the first of them, ready for use.

        Raises:
            InvalidPipeline: There is none.
        """
        component = pin.component(type)
        if component is None:
            raise InvalidPipeline(f"stack {pin.stack!r} holds no {type.noun}")
        return self.built(component)

    def built(self, component: PinnedComponent) -> object:
        """A pinned component, ready for use."""
        return self._flavors.build(
            component.type, component.flavor, component.configuration, component.source
        )

    def sketched(self, component: PinnedComponent) -> object:
        """A pinned component, though what its flavor requires may not be installed here."""
        return self._flavors.sketch(
            component.type, component.flavor, component.configuration, component.source
        )

    def _composition(self, reference: str | None) -> tuple[StackView, Sequence[ComponentView]]:
        """A stack with its components, both of one moment."""
        while True:
            if reference is None:
                stack = self._queries.active_stack()
            else:
                stack = self._queries.stack(reference)
            components = self._queries.stack_components(stack.id)
            if self._queries.stack(stack.id).revision == stack.revision:
                return stack, components


def _members(pin: Pin) -> Sequence[Member]:
    return [
        Member(each.type, each.name, each.flavor, each.configuration, each.source)
        for held in pin.components.values()
        for each in held
    ]
