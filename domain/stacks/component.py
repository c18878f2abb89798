"""Component: a flavor, configured and named."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal, Self
from uuid import UUID

from pydantic import JsonValue

from stackfold.domain.canonical_json import canonical_json
from stackfold.domain.errors import NotDeleted, NotFound, NothingToChange, Protected
from stackfold.domain.eventsourcing.aggregate import Revertible
from stackfold.domain.eventsourcing.event import EarlierFields, FirstEvent
from stackfold.domain.limits import ATTRIBUTE, must_fit
from stackfold.domain.name import valid_name
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.domain.stacks.labels import effective_changes, merged, touched, valid_labels
from stackfold.domain.stacks.origin import Origin

Configuration = Mapping[str, JsonValue]
"""Attribute → value, only what was set explicitly."""


class Component(Revertible):
    """A flavor of one component type, with a configuration and a name.

    That the configuration fits the flavor is checked before a command gets here.
    """

    TOPIC = "component"

    class Event(Revertible.Event):
        """Something that happened to a component."""

    class Registered(Event, FirstEvent):
        """It was named and configured."""

        TOPIC = "component.registered"
        class_version = 2
        EARLIER_FIELDS: ClassVar[EarlierFields] = {1: {"copied_from": (UUID | None, ...)}}
        originator_topic: Literal["component"]
        type: ComponentType
        name: str
        flavor: str
        configuration: dict[str, JsonValue]
        labels: dict[str, str]
        copied_from: Origin | None = None

        @staticmethod
        def upcast_v1_v2(state: dict[str, Any]) -> None:
            """Version 1 told what was copied, but not at which revision."""
            original = state["copied_from"]
            state["copied_from"] = original and {"id": original, "revision": None}

    class Updated(Event):
        """Attributes were set; labels were set, or removed where the value is None."""

        TOPIC = "component.updated"
        configuration: dict[str, JsonValue]
        labels: dict[str, str | None]

        def apply(self, aggregate: "Component") -> None:
            aggregate.configuration = {**aggregate.configuration, **self.configuration}
            aggregate.labels = merged(aggregate.labels, self.labels)

        def changed_fields(self) -> frozenset[str]:
            return _touched(self.configuration) | touched(self.labels)

    class AttributesRemoved(Event):
        """Attributes went back to the flavor's defaults."""

        TOPIC = "component.attributes_removed"
        attributes: tuple[str, ...]

        def apply(self, aggregate: "Component") -> None:
            aggregate.configuration = {
                name: value
                for name, value in aggregate.configuration.items()
                if name not in self.attributes
            }

        def changed_fields(self) -> frozenset[str]:
            return _touched(self.attributes)

    class Renamed(Event):
        """It goes by another name."""

        TOPIC = "component.renamed"
        name: str

        def apply(self, aggregate: "Component") -> None:
            aggregate.name = self.name

        def changed_fields(self) -> frozenset[str]:
            return frozenset({"name"})

    class Deleted(Event):
        """It is gone; its name is free again."""

        TOPIC = "component.deleted"

        def apply(self, aggregate: "Component") -> None:
            aggregate.deleted = True

    class Reverted(Event):
        """It is what it was at an earlier revision."""

        TOPIC = "component.reverted"
        to_revision: int
        name: str
        configuration: dict[str, JsonValue]
        labels: dict[str, str]

        def apply(self, aggregate: "Component") -> None:
            aggregate.name = self.name
            aggregate.configuration = dict(self.configuration)
            aggregate.labels = dict(self.labels)

    class Restored(Reverted):
        """It was deleted and is there again, as it was at an earlier revision."""

        TOPIC = "component.restored"
        type: ComponentType
        flavor: str

        def apply(self, aggregate: "Component") -> None:
            super().apply(aggregate)
            aggregate.deleted = False

    def __init__(
        self,
        type: ComponentType,
        name: str,
        flavor: str,
        configuration: dict[str, JsonValue],
        labels: dict[str, str],
    ) -> None:
        super().__init__(name)
        self.type = type
        self.flavor = flavor
        self.configuration = dict(configuration)
        self.labels = dict(labels)

    @property
    def kind(self) -> str:
        """The noun of its type, such as `artifact store`."""
        return self.type.noun

    @property
    def is_default(self) -> bool:
        """Whether it came with the first use; such a one is never changed."""
        return self.type.required and self.name == "default"

    # -- commands: rules, then at most one event

    @classmethod
    def register(
        cls,
        type: ComponentType,
        name: str,
        flavor: str,
        configuration: Configuration,
        labels: Mapping[str, str] | None = None,
        copied_from: Origin | None = None,
    ) -> Self:
        """Name and configure a flavor.

        Args:
            type: What the component does in a stack.
            name: Its name, unique among the living components of its type.
            flavor: The implementation that it configures.
            configuration: Attribute → value, already checked against the flavor.
            labels: Label → text.
            copied_from: The component that it is a copy of, at the revision that was copied.

        Raises:
            InvalidName: The name or a label breaks the rule for names.
            TooLarge: A label or the value of an attribute is too long.
        """
        _must_fit(configuration)
        return cls._create(
            cls.Registered,
            type=type,
            name=valid_name(type.noun, name),
            flavor=flavor,
            configuration=dict(configuration),
            labels=valid_labels(labels),
            copied_from=copied_from,
        )

    def update(
        self, configuration: Configuration, labels: Mapping[str, str | None] | None = None
    ) -> None:
        """Set attributes and labels; what is not named stays.

        Args:
            configuration: Attribute → new value, already checked against the flavor.
            labels: Label → new text, or None to remove it.

        Raises:
            NotFound: It was deleted.
            Protected: It is a default component.
            NothingToChange: Everything has these values already.
        """
        self._must_be_changeable("updated")
        changes = {
            name: value
            for name, value in configuration.items()
            if name not in self.configuration or not _same(self.configuration[name], value)
        }
        _must_fit(changes)
        label_changes = effective_changes(self.labels, labels)
        if not changes and not label_changes:
            raise NothingToChange(self.kind, self.name, self.version)
        self.trigger_event(self.Updated, configuration=changes, labels=label_changes)

    def remove_attributes(self, attributes: Sequence[str]) -> None:
        """Let attributes go back to the flavor's defaults.

        Raises:
            NotFound: It was deleted, or one of them is not set.
            Protected: It is a default component.
        """
        self._must_be_changeable("updated")
        unknown = [name for name in attributes if name not in self.configuration]
        if unknown or not attributes:
            known = ", ".join(sorted(self.configuration))
            names, hint = ", ".join(unknown), f"it has {known}" if known else "it has no attributes"
            message = f"{self.name!r} has no attribute {', '.join(map(repr, unknown))}: {hint}"
            raise NotFound("attribute", names, hint, message=message)
        self.trigger_event(self.AttributesRemoved, attributes=tuple(dict.fromkeys(attributes)))

    def rename(self, name: str) -> None:
        """Go by another name.

        Raises:
            NotFound: It was deleted.
            Protected: It is a default component.
            InvalidName: The new name breaks the rule for names.
            NothingToChange: It has that name already.
        """
        self._must_be_changeable("renamed")
        name = valid_name(self.kind, name)
        if name == self.name:
            raise NothingToChange(self.kind, self.name, self.version)
        self.trigger_event(self.Renamed, name=name)

    def delete(self) -> None:
        """Be gone; that no stack uses it is checked where all stacks are known.

        Raises:
            NotFound: It was deleted before.
            Protected: It is a default component.
        """
        self._must_be_changeable("deleted")
        self.trigger_event(self.Deleted)

    def revert(self, past: "Component") -> None:
        """Become what `past`, an earlier revision of this component, was.

        Raises:
            NotFound: It was deleted.
            Protected: It is a default component.
            NothingToChange: It is like that already.
        """
        self._must_be_changeable("reverted")
        if self.is_like(past):
            raise NothingToChange(self.kind, self.name, self.version)
        self.trigger_event(self.Reverted, to_revision=past.version, **past.state)

    def restore(self, past: "Component") -> None:
        """Be there again, as `past`, an earlier revision of this component, was.

        Raises:
            NotDeleted: It is there.
        """
        if not self.deleted:
            raise NotDeleted(self.kind, self.name)
        self.trigger_event(
            self.Restored,
            to_revision=past.version,
            type=past.type,
            flavor=past.flavor,
            **past.state,
        )

    @property
    def state(self) -> dict[str, Any]:
        """What a revision may change."""
        return {"name": self.name, "configuration": self.configuration, "labels": self.labels}

    def is_like(self, other: "Component") -> bool:
        """Whether it is what another revision was; to Python 1, 1.0 and True are equal."""
        return _same(self.state, other.state)

    def _must_be_changeable(self, action: str) -> None:
        self.must_exist()
        if self.is_default:
            raise Protected(self.kind, self.name, action)


def _touched(attributes: Iterable[str]) -> frozenset[str]:
    return frozenset(f"attribute {name}" for name in attributes)


def _same(one: Any, other: Any) -> bool:
    # To Python 1, 1.0 and True are equal; to a flavor they are not.
    return canonical_json(one) == canonical_json(other)


def _must_fit(configuration: Configuration) -> None:
    for name, value in configuration.items():
        must_fit(f"attribute {name!r}", value, ATTRIBUTE, "give the place of a file that holds it")
