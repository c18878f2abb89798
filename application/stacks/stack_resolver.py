"""StackResolver: resolves a stack to a pin, and builds the components of a pin."""

from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from pydantic import JsonValue

from stackfold.application.ports import StackComponent
from stackfold.application.stacks.connections import Member
from stackfold.application.stacks.flavors import Flavors
from stackfold.application.stacks.queries import StackQueries, StoredComponent
from stackfold.application.stacks.validation import StackRules, ValidationPhase
from stackfold.domain.errors import InvalidPipeline, Violation
from stackfold.domain.runs.pin import Pin, PinnedComponent
from stackfold.domain.stacks.component_type import ComponentType

_UNREGISTERED = UUID(int=0)
"""The id of components that are not registered."""


class StackResolver:
    """Resolves stacks to pins, and builds pinned components."""

    def __init__(self, queries: StackQueries, flavors: Flavors) -> None:
        """Create the service.

        Args:
            queries: Reads stacks and components.
            flavors: Builds components.
        """
        self._queries = queries
        self._flavors = flavors

    def check(self, pin: Pin) -> Mapping[UUID, StackComponent]:
        """Build every component of a pin, and check that they can be used here and now.

        Returns:
            The id of each component → the component.

        Raises:
            InvalidStack: The stack breaks rules, or a package or secret is missing.
        """
        rules = StackRules(self._queries, self._flavors)
        built = rules.require(pin.stack, _members(pin), ValidationPhase.USED)
        return dict(zip((each.id for each in _pinned(pin)), built, strict=True))

    def violations(self, pin: Pin) -> Sequence[Violation]:
        """Return the violations for which `check` would raise."""
        rules = StackRules(self._queries, self._flavors)
        return rules.violations(pin.stack, _members(pin), ValidationPhase.USED)

    def pin(self, reference: str | None) -> Pin:
        """Pin a stack: its revision, and its components' revisions and resolved configuration.

        Args:
            reference: The stack, by name, id or unique prefix; None for the active one.

        Raises:
            NotFound: The stack does not exist.
            InvalidConfiguration: A component no longer fits its flavor.
        """
        stack = self._queries.stored_stack(reference)
        pinned: dict[ComponentType, tuple[PinnedComponent, ...]] = {}
        for stored in stack.components:
            type = ComponentType(stored.type)
            pinned[type] = (*pinned.get(type, ()), self._pinned(type, stored))
        return Pin.model_validate(
            {
                "stack_id": stack.id,
                "stack": stack.name,
                "revision": stack.revision,
                "components": pinned,
            }
        )

    def pin_component(self, type: ComponentType, reference: str) -> PinnedComponent:
        """Pin a component, by name, id or unique prefix.

        Raises:
            NotFound: The component does not exist.
            InvalidConfiguration: It no longer fits its flavor.
        """
        return self._pinned(type, self._queries.find_component(type, reference))

    def pin_unregistered(
        self, type: ComponentType, flavor: str, name: str, configuration: Mapping[str, JsonValue]
    ) -> PinnedComponent:
        """Pin a component that is not registered.

        Args:
            type: The component type.
            flavor: The name of its flavor.
            name: What describes it.
            configuration: Its configuration.
        """
        entry = self._flavors.entry(type, flavor)
        return PinnedComponent(
            id=_UNREGISTERED,
            type=type,
            name=name,
            flavor=flavor,
            revision=1,
            configuration=self._flavors.resolved(entry, configuration),
            flavor_version=entry.version,
            source=entry.source,
        )

    def _pinned(self, type: ComponentType, stored: StoredComponent) -> PinnedComponent:
        entry = self._flavors.entry(type, stored.flavor)
        return PinnedComponent.model_validate(
            {
                "id": stored.id,
                "type": type,
                "name": stored.name,
                "flavor": stored.flavor,
                "revision": stored.revision,
                "configuration": self._flavors.resolved(entry, stored.configuration),
                "flavor_version": entry.version,
                "source": entry.source,
            }
        )

    def required(self, pin: Pin, type: ComponentType) -> object:
        """Build the pinned component of a type; of several, the default one.

        Raises:
            InvalidPipeline: The stack has none.
        """
        component = pin.component(type)
        if component is None:
            raise InvalidPipeline(f"stack {pin.stack!r} holds no {type.noun}")
        return self.built(component)

    def built(self, component: PinnedComponent) -> object:
        """Build a pinned component; raises as `Flavors.build`."""
        return self._flavors.build(
            component.type, component.flavor, component.configuration, component.source
        )

    def sketched(self, component: PinnedComponent) -> object:
        """Build a pinned component even if its flavor's requirements are not installed."""
        return self._flavors.sketch(
            component.type, component.flavor, component.configuration, component.source
        )


def _pinned(pin: Pin) -> Iterator[PinnedComponent]:
    return (each for components in pin.components.values() for each in components)


def _members(pin: Pin) -> Sequence[Member]:
    return [
        Member(each.type, each.name, each.flavor, each.configuration, each.source)
        for each in _pinned(pin)
    ]
