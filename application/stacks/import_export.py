"""Import and export of stacks as documents, in the format of Stackfold or of ZenML."""

from collections.abc import Callable, Sequence
from itertools import count
from typing import Literal, NamedTuple
from uuid import UUID

from stackfold.application.eventsourcing.repository import Repository
from stackfold.application.listing.listing import Condition, Listing
from stackfold.application.stacks.component_types import ComponentTypes
from stackfold.application.stacks.connections import Member
from stackfold.application.stacks.flavors import Flavors
from stackfold.application.stacks.queries import StackQueries
from stackfold.application.stacks.requirements import requirements_of
from stackfold.application.stacks.stack_document import (
    ComponentDocument,
    Document,
    StackDocument,
    read,
)
from stackfold.application.stacks.validation import StackRules, ValidationPhase, member
from stackfold.application.stacks.views import ComponentView, StackView
from stackfold.domain.errors import ComponentsDiffer, ImportNameTaken, NothingToChange
from stackfold.domain.eventsourcing.aggregate import Aggregate
from stackfold.domain.name import LONGEST
from stackfold.domain.stacks.component import Component
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.domain.stacks.stack import Stack

OnConflict = Literal["fail", "reuse", "rename"]
"""What to do if a component with the same name exists but differs: reject the document, use the
existing component, or register that of the document under another name."""


class Imported(NamedTuple):
    """The result of an import."""

    stack: StackView
    registered: list[ComponentView]
    reused: list[ComponentView]


class ImportExport:
    """Exports stacks as documents, and imports them."""

    def __init__(
        self,
        repository: Repository,
        queries: StackQueries,
        flavors: Flavors,
        types: ComponentTypes,
    ) -> None:
        """Create the service.

        Args:
            repository: Loads and saves aggregates.
            queries: Reads stacks and components.
            flavors: Checks configurations.
            types: Finds component types.
        """
        self._types = types
        self._repository = repository
        self._queries = queries
        self._flavors = flavors

    def export(self, stack: StackView) -> Document:
        """Return a stack with its components as plain values.

        Configurations contain explicit attributes only; secrets are references.
        """
        components: dict[str, list[Document]] = {}
        for each in self._queries.stack_components(stack.id):
            described = {
                "name": each.name,
                "type": each.type,
                "flavor": each.flavor,
                "configuration": each.configuration,
                "labels": each.labels,
            }
            components.setdefault(each.type, []).append(described)
        return {
            "stack_name": stack.name,
            "description": stack.description,
            "labels": stack.labels,
            "components": components,
        }

    def requirements(self, stack: StackView) -> list[str]:
        """Return the pip requirements of a stack's components, with one for Stackfold's extras.

        Raises:
            InvalidFlavor: A custom flavor cannot be loaded.
        """
        components = self._queries.stack_components(stack.id)
        members = [(ComponentType(each.type), each.flavor) for each in components]
        return requirements_of(self._flavors, members)

    def import_stack(
        self,
        document: object,
        name: str | None = None,
        *,
        on_conflict: OnConflict = "fail",
        origin: str = "the document",
        why: str = "",
    ) -> Imported:
        """Register the stack of a document with its components, all or nothing.

        An existing component with the same name, flavor and configuration is reused.

        Args:
            document: A stack in the format of `export` or of ZenML.
            name: The name of the stack; None for that of the document.
            on_conflict: What to do if a name is taken by something different.
            origin: The origin of the document, for error messages.
            why: The reason, for the log.

        Raises:
            InvalidFile: The document describes no stack.
            ComponentsDiffer: Other components have the names of its components.
            ImportNameTaken: Another stack has its name.
            NothingToChange: The same stack exists already.
            InvalidConfiguration: A configuration does not fit its flavor.
            InvalidStack: Its components cannot work together.
            UnknownFlavor: A flavor does not exist.
        """
        parsed = read(document, name, origin, self._types.of)
        import_ = _Import(parsed, self._queries, self._flavors, on_conflict)
        self._repository.attempt(import_.command, why)
        views = [self._queries.component(type, id) for id, type in import_.used.items()]
        return Imported(
            self._queries.stack(import_.stack),
            [view for view in views if view.id in import_.registered],
            [view for view in views if view.id not in import_.registered],
        )


class _Import:
    """One import; its command is repeated after a concurrent change."""

    def __init__(
        self,
        document: StackDocument,
        queries: StackQueries,
        flavors: Flavors,
        on_conflict: OnConflict,
    ) -> None:
        self._document = document
        self._queries = queries
        self._rules = StackRules(queries, flavors)
        self._on_conflict = on_conflict
        # Validated first, so that an invalid configuration is reported before any conflict.
        self._explicit = {
            (each.type, each.name): flavors.explicit(each.type, each.flavor, each.configuration)
            for each in document.components
        }
        self.stack = ""
        """The id of the stack."""
        self.used: dict[str, ComponentType] = {}
        """The id of every component of the stack → its type, in the document's order."""
        self.registered: set[str] = set()
        """The ids of new components."""

    def command(self) -> list[Aggregate]:
        """Return the aggregates to save."""
        self.used, self.registered = {}, set()
        new: list[Aggregate] = []
        differing = []
        for each in self._document.components:
            existing = self._existing(each)
            same = existing is not None and self._same(existing, each)
            if existing and not same and self._on_conflict == "fail":
                differing.append(f"{each.type.noun} {each.name!r}")
            elif existing and (same or self._on_conflict == "reuse"):
                self.used[existing.id] = each.type
            else:
                component = self._component(each, rename=existing is not None)
                new.append(component)
                self.registered.add(str(component.id))
                self.used[str(component.id)] = each.type
        if differing:
            raise ComponentsDiffer(differing)
        stack = self._stack()
        self._rules.require(
            stack.name, self._members(new), ValidationPhase.COMPOSED, registered=False
        )
        self.stack = str(stack.id)
        return [*new, stack]

    def _members(self, new: Sequence[Aggregate]) -> list[Member]:
        """Return the members of the stack: existing and new components."""
        made = [
            Member(each.type, each.name, each.flavor, each.configuration)
            for each in new
            if isinstance(each, Component)
        ]
        existing = [
            member(self._queries.component(type, id))
            for id, type in self.used.items()
            if id not in self.registered
        ]
        return [*existing, *made]

    def _existing(self, described: ComponentDocument) -> ComponentView | None:
        found = self._queries.components(described.type, _named(described.name))
        return found[0] if found else None

    def _same(self, existing: ComponentView, described: ComponentDocument) -> bool:
        explicit = self._explicit[described.type, described.name]
        return (existing.flavor, existing.configuration) == (described.flavor, explicit)

    def _component(self, described: ComponentDocument, rename: bool) -> Component:
        name = described.name
        if rename:
            taken = {each.name for each in self._document.components if each.type == described.type}
            name = _free(
                name,
                lambda other: (
                    other in taken or bool(self._queries.components(described.type, _named(other)))
                ),
            )
        explicit = self._explicit[described.type, described.name]
        return Component.register(
            described.type, name, described.flavor, explicit, described.labels
        )

    def _stack(self) -> Stack:
        document, queries = self._document, self._queries
        composition: dict[ComponentType, list[UUID]] = {}
        for id, type in self.used.items():
            composition.setdefault(type, []).append(UUID(id))
        name = document.name
        for existing in queries.stacks(_named(name)):
            current: dict[str, list[UUID]] = {}
            for each in queries.stack_components(existing.id):
                current.setdefault(each.type, []).append(UUID(each.id))
            if current == composition and (existing.description, existing.labels) == document[1:3]:
                raise NothingToChange("stack", existing.name, existing.revision)
            if self._on_conflict != "rename":
                raise ImportNameTaken("stack", name)
            name = _free(name, lambda other: bool(queries.stacks(_named(other))))
        return Stack.register(name, composition, document.description, document.labels)


def _named(name: str) -> Listing:
    return Listing(where=(Condition("name", "equals", name),))


def _free(name: str, taken: Callable[[str], bool]) -> str:
    """Return `name` with the first number appended that makes it unique."""
    numbered = (f"{name[: LONGEST - len(str(number)) - 1]}-{number}" for number in count(2))
    return next(other for other in numbered if not taken(other))
