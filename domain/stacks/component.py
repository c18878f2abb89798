"""Component: a flavor with a configuration and a name."""

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
from stackfold.domain.stacks.labels import (
    changed_label_fields,
    effective_changes,
    merged,
    valid_labels,
)
from stackfold.domain.stacks.origin import Origin

Configuration = Mapping[str, JsonValue]
"""Attribute → value; only attributes that were set explicitly."""


class Component(Revertible):
    """A flavor of one component type, with a configuration and a name.

    Commands get configurations that were checked against the flavor.
    """

    TOPIC = "component"

    class Event(Revertible.Event):
        """Base class of the events of a component."""

    class Registered(Event, FirstEvent):
        """A component was registered."""

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
            """Version 1 recorded what was copied, without the revision."""
            original = state["copied_from"]
            state["copied_from"] = original and {"id": original, "revision": None}

        @property
        def declared_by(self) -> str | None:
            return self.type.package

    class Updated(Event):
        """Attributes were set; labels were set, or removed if the value is None."""

        TOPIC = "component.updated"
        configuration: dict[str, JsonValue]
        labels: dict[str, str | None]

        def apply(self, aggregate: "Component") -> None:
            aggregate.configuration = {**aggregate.configuration, **self.configuration}
            aggregate.labels = merged(aggregate.labels, self.labels)

        def changed_fields(self) -> frozenset[str]:
            return _attribute_fields(self.configuration) | changed_label_fields(self.labels)

    class AttributesRemoved(Event):
        """Attributes were reset to the defaults of the flavor."""

        TOPIC = "component.attributes_removed"
        attributes: tuple[str, ...]

        def apply(self, aggregate: "Component") -> None:
            aggregate.configuration = {
                name: value
                for name, value in aggregate.configuration.items()
                if name not in self.attributes
            }

        def changed_fields(self) -> frozenset[str]:
            return _attribute_fields(self.attributes)

    class Renamed(Event):
        """The component was renamed."""

        TOPIC = "component.renamed"
        name: str

        def apply(self, aggregate: "Component") -> None:
            aggregate.name = self.name

        def changed_fields(self) -> frozenset[str]:
            return frozenset({"name"})

    class Deleted(Event):
        """The component was deleted; its name is free."""

        TOPIC = "component.deleted"

        def apply(self, aggregate: "Component") -> None:
            aggregate.deleted = True

    class Reverted(Event):
        """The state of an earlier revision was restored."""

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
        """The deleted component was restored, with the state of an earlier revision."""

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
        """Whether the component was registered by the first use; it is never changed then."""
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
        """Register a component.

        Args:
            type: The component type.
            name: The name, unique among the existing components of the type.
            flavor: The name of the flavor.
            configuration: Attribute → value, already checked against the flavor.
            labels: Label → text.
            copied_from: The component and revision that it is a copy of; None if it is not a copy.

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
        """Set attributes and labels; all others keep their values.

        Args:
            configuration: Attribute → new value, already checked against the flavor.
            labels: Label → new text; None to remove the label.

        Raises:
            NotFound: The component was deleted.
            Protected: The component is a default component.
            NothingToChange: All attributes and labels have these values already.
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
        """Reset attributes to the defaults of the flavor.

        Args:
            attributes: Their names.

        Raises:
            NotFound: It was deleted, or an attribute is not set.
            Protected: The component is a default component.
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
        """Rename the component.

        Args:
            name: The new name.

        Raises:
            NotFound: The component was deleted.
            Protected: The component is a default component.
            InvalidName: The new name breaks the rule for names.
            NothingToChange: The component has that name already.
        """
        self._must_be_changeable("renamed")
        name = valid_name(self.kind, name)
        if name == self.name:
            raise NothingToChange(self.kind, self.name, self.version)
        self.trigger_event(self.Renamed, name=name)

    def delete(self) -> None:
        """Delete the component; a constraint ensures that no stack uses it.

        Raises:
            NotFound: The component was deleted.
            Protected: The component is a default component.
        """
        self._must_be_changeable("deleted")
        self.trigger_event(self.Deleted)

    def revert(self, past: "Component") -> None:
        """Restore the state of `past`, an earlier revision, as a new revision.

        Raises:
            NotFound: The component was deleted.
            Protected: The component is a default component.
            NothingToChange: Its state would stay the same.
        """
        self._must_be_changeable("reverted")
        if self.is_like(past):
            raise NothingToChange(self.kind, self.name, self.version)
        self.trigger_event(self.Reverted, to_revision=past.version, **past.state)

    def restore(self, past: "Component") -> None:
        """Restore the deleted component with the state of `past`, an earlier revision.

        Raises:
            NotDeleted: The component exists.
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
        """The fields that `revert` and `restore` set."""
        return {"name": self.name, "configuration": self.configuration, "labels": self.labels}

    def is_like(self, other: "Component") -> bool:
        """Whether another revision has the same state; 1, 1.0 and True are different values.

        Args:
            other: Another component.
        """
        return _same(self.state, other.state)

    def _must_be_changeable(self, action: str) -> None:
        self.must_exist()
        if self.is_default:
            raise Protected(self.kind, self.name, action)


def _attribute_fields(attributes: Iterable[str]) -> frozenset[str]:
    return frozenset(f"attribute {name}" for name in attributes)


def _same(one: Any, other: Any) -> bool:
    # To Python 1, 1.0 and True are equal; to a flavor they are not.
    return canonical_json(one) == canonical_json(other)


def _must_fit(configuration: Configuration) -> None:
    for name, value in configuration.items():
        must_fit(f"attribute {name!r}", value, ATTRIBUTE, "store it in a file and give its path")
