"""Stack: the components that pipelines run on."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self, TypeVar
from uuid import UUID

from stackfold.domain.errors import (
    IncompleteStack,
    Invalid,
    NotDeleted,
    NothingToChange,
    NotInStack,
    Protected,
)
from stackfold.domain.eventsourcing.aggregate import Revertible
from stackfold.domain.eventsourcing.event import EarlierFields, FirstEvent
from stackfold.domain.limits import MESSAGE, must_fit
from stackfold.domain.name import valid_name
from stackfold.domain.stacks.component_type import REQUIRED, ComponentType
from stackfold.domain.stacks.labels import (
    changed_label_fields,
    effective_changes,
    merged,
    valid_labels,
)
from stackfold.domain.stacks.origin import Origin

ComponentsByType = dict[ComponentType, tuple[UUID, ...]]
"""Component type → the components of that type, the default one first; no empty entries."""

Type = TypeVar("Type")
Id = TypeVar("Id")


class Stack(Revertible):
    """A named set of components, at most one of a type unless the type allows several."""

    TOPIC = "stack"

    class Event(Revertible.Event):
        """Base class of the events of a stack."""

    class Registered(Event, FirstEvent):
        """A stack was registered."""

        TOPIC = "stack.registered"
        class_version = 2
        EARLIER_FIELDS: ClassVar[EarlierFields] = {1: {"copied_from": (UUID | None, ...)}}
        originator_topic: Literal["stack"]
        name: str
        components: ComponentsByType
        description: str
        labels: dict[str, str]
        copied_from: Origin | None = None

        @staticmethod
        def upcast_v1_v2(state: dict[str, Any]) -> None:
            """Version 1 recorded what was copied, without the revision."""
            original = state["copied_from"]
            state["copied_from"] = original and {"id": original, "revision": None}

    class Updated(Event):
        """The components of some types, the description or labels were changed."""

        TOPIC = "stack.updated"
        components: ComponentsByType
        description: str | None
        labels: dict[str, str | None]

        def apply(self, aggregate: "Stack") -> None:
            aggregate.components = {**aggregate.components, **self.components}
            if self.description is not None:
                aggregate.description = self.description
            aggregate.labels = merged(aggregate.labels, self.labels)

        def changed_fields(self) -> frozenset[str]:
            described = {"description"} if self.description is not None else set()
            return frozenset(self.components) | described | changed_label_fields(self.labels)

    class ComponentsRemoved(Event):
        """Components were removed from the stack."""

        TOPIC = "stack.components_removed"
        components: ComponentsByType

        def apply(self, aggregate: "Stack") -> None:
            aggregate.components = without(aggregate.components, self.components)

        def changed_fields(self) -> frozenset[str]:
            return frozenset(self.components)

    class DefaultSet(Event):
        """Another component of a type became the one that steps use by default."""

        TOPIC = "stack.default_set"
        type: ComponentType
        component: UUID

        def apply(self, aggregate: "Stack") -> None:
            others = (each for each in aggregate.components[self.type] if each != self.component)
            aggregate.components = {**aggregate.components, self.type: (self.component, *others)}

        def changed_fields(self) -> frozenset[str]:
            return frozenset({self.type})

    class Renamed(Event):
        """The stack was renamed."""

        TOPIC = "stack.renamed"
        name: str

        def apply(self, aggregate: "Stack") -> None:
            aggregate.name = self.name

        def changed_fields(self) -> frozenset[str]:
            return frozenset({"name"})

    class Deleted(Event):
        """The stack was deleted; its name is free."""

        TOPIC = "stack.deleted"

        def apply(self, aggregate: "Stack") -> None:
            aggregate.deleted = True

    class Reverted(Event):
        """The state of an earlier revision was restored."""

        TOPIC = "stack.reverted"
        to_revision: int
        name: str
        components: ComponentsByType
        description: str
        labels: dict[str, str]

        def apply(self, aggregate: "Stack") -> None:
            aggregate.name = self.name
            aggregate.components = dict(self.components)
            aggregate.description = self.description
            aggregate.labels = dict(self.labels)

    class Restored(Reverted):
        """The deleted stack was restored, with the state of an earlier revision."""

        TOPIC = "stack.restored"

        def apply(self, aggregate: "Stack") -> None:
            super().apply(aggregate)
            aggregate.deleted = False

    def __init__(
        self, name: str, components: ComponentsByType, description: str, labels: dict[str, str]
    ) -> None:
        super().__init__(name)
        self.components = dict(components)
        self.description = description
        self.labels = dict(labels)

    @property
    def is_default(self) -> bool:
        """Whether the stack was registered by the first use; it is never changed then."""
        return self.name == "default"

    # -- commands: rules, then at most one event

    @classmethod
    def register(
        cls,
        name: str,
        components: Mapping[ComponentType, Sequence[UUID]],
        description: str = "",
        labels: Mapping[str, str] | None = None,
        copied_from: Origin | None = None,
    ) -> Self:
        """Register a stack.

        Args:
            name: The name, unique among the existing stacks.
            components: Component type → components of that type, the default one first.
            description: A description of up to 64 KiB.
            labels: Label → text.
            copied_from: The stack and revision that it is a copy of; None if it is not a copy.

        Raises:
            InvalidName: The name or a label breaks the rule for names.
            IncompleteStack: The orchestrator or the artifact store is missing.
            Invalid: Several components of a type that allows one.
        """
        name = valid_name("stack", name)
        composition = _composition(components)
        _must_be_complete(name, composition)
        must_fit("the description", description, MESSAGE)
        return cls._create(
            cls.Registered,
            name=name,
            components=composition,
            description=description,
            labels=valid_labels(labels),
            copied_from=copied_from,
        )

    def update(
        self,
        components: Mapping[ComponentType, Sequence[UUID]] | None = None,
        description: str | None = None,
        labels: Mapping[str, str | None] | None = None,
    ) -> None:
        """Replace the components of the given types, the description, or labels.

        Args:
            components: Component type → its new components, the default one first; other types keep
                theirs.
            description: The new description; None to keep the present one.
            labels: Label → new text; None to remove the label.

        Raises:
            NotFound: The stack was deleted.
            Protected: The stack is the default stack.
            Invalid: Several components of a type that allows one.
            NothingToChange: Its state would stay the same.
        """
        self._must_be_changeable("updated")
        changes = {
            type: ids
            for type, ids in _composition(components or {}).items()
            if self.components.get(type) != ids
        }
        described = description if description != self.description else None
        must_fit("the description", described, MESSAGE)
        label_changes = effective_changes(self.labels, labels)
        if not changes and described is None and not label_changes:
            raise NothingToChange(self.kind, self.name, self.version)
        self.trigger_event(
            self.Updated, components=changes, description=described, labels=label_changes
        )

    def remove_components(self, components: Mapping[ComponentType, Sequence[UUID]]) -> None:
        """Remove components.

        Args:
            components: Component type → the components to remove; empty for all of that type.

        Raises:
            NotFound: The stack was deleted.
            Protected: The stack is the default stack.
            NotInStack: The stack does not contain one of them.
            IncompleteStack: No orchestrator or no artifact store would be left.
        """
        self._must_be_changeable("updated")
        removed = {}
        for type, ids in components.items():
            present = self.components.get(type, ())
            if not present or not set(ids) <= set(present):
                raise NotInStack(self.name, type.noun)
            removed[type] = tuple(ids) or present
        if not removed:
            raise NothingToChange(self.kind, self.name, self.version)
        _must_be_complete(self.name, without(self.components, removed))
        self.trigger_event(self.ComponentsRemoved, components=removed)

    def set_default(self, type: ComponentType, component: UUID) -> None:
        """Choose the component of a type that steps use unless they name another one.

        Args:
            type: The component type.
            component: The id of the component.

        Raises:
            NotFound: The stack was deleted.
            Protected: The stack is the default stack.
            NotInStack: The stack does not contain the component.
            NothingToChange: The component is the default already.
        """
        self._must_be_changeable("updated")
        present = self.components.get(type, ())
        if component not in present:
            raise NotInStack(self.name, type.noun)
        if present[0] == component:
            raise NothingToChange(self.kind, self.name, self.version)
        self.trigger_event(self.DefaultSet, type=type, component=component)

    def rename(self, name: str) -> None:
        """Rename the stack.

        Args:
            name: The new name.

        Raises:
            NotFound: The stack was deleted.
            Protected: The stack is the default stack.
            InvalidName: The new name breaks the rule for names.
            NothingToChange: The stack has that name already.
        """
        self._must_be_changeable("renamed")
        name = valid_name("stack", name)
        if name == self.name:
            raise NothingToChange(self.kind, self.name, self.version)
        self.trigger_event(self.Renamed, name=name)

    def delete(self) -> None:
        """Delete the stack; a constraint ensures that it is not active.

        Raises:
            NotFound: The stack was deleted.
            Protected: The stack is the default stack.
        """
        self._must_be_changeable("deleted")
        self.trigger_event(self.Deleted)

    def revert(self, past: "Stack") -> None:
        """Restore the state of `past`, an earlier revision, as a new revision.

        Raises:
            NotFound: The stack was deleted.
            Protected: The stack is the default stack.
            NothingToChange: Its state would stay the same.
        """
        self._must_be_changeable("reverted")
        if past.state == self.state:
            raise NothingToChange(self.kind, self.name, self.version)
        self.trigger_event(self.Reverted, to_revision=past.version, **past.state)

    def restore(self, past: "Stack") -> None:
        """Restore the deleted stack with the state of `past`, an earlier revision.

        Raises:
            NotDeleted: The stack exists.
        """
        if not self.deleted:
            raise NotDeleted(self.kind, self.name)
        self.trigger_event(self.Restored, to_revision=past.version, **past.state)

    @property
    def state(self) -> dict[str, Any]:
        """The fields that `revert` and `restore` set."""
        return {
            "name": self.name,
            "components": self.components,
            "description": self.description,
            "labels": self.labels,
        }

    def _must_be_changeable(self, action: str) -> None:
        self.must_exist()
        if self.is_default:
            raise Protected(self.kind, self.name, action)


def _composition(components: Mapping[ComponentType, Sequence[UUID]]) -> ComponentsByType:
    composition: ComponentsByType = {}
    for type, ids in components.items():
        distinct = tuple(dict.fromkeys(ids))
        if len(distinct) > 1 and not type.several_per_stack:
            raise Invalid(f"a stack can contain one {type.noun} only: give one")
        if distinct:
            composition[ComponentType(type)] = distinct
    return composition


def without(
    components: Mapping[Type, Sequence[Id]], removed: Mapping[Type, Sequence[Id]]
) -> dict[Type, tuple[Id, ...]]:
    """Return `components` without those of `removed`, and without types that are empty then."""
    rest = {
        type: tuple(each for each in ids if each not in removed.get(type, ()))
        for type, ids in components.items()
    }
    return {type: ids for type, ids in rest.items() if ids}


def _must_be_complete(name: str, components: ComponentsByType) -> None:
    missing = [type.noun for type in REQUIRED if type not in components]
    if missing:
        raise IncompleteStack(name, missing)
