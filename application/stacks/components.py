"""Components: register, look up and change them; one method per verb."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from stackfold.application.eventsourcing.as_of import AsOf
from stackfold.application.eventsourcing.repository import Repository
from stackfold.application.history.views import HistoryEntry
from stackfold.application.listing.listing import ALL, Listing
from stackfold.application.stacks.flavors import Flavors
from stackfold.application.stacks.histories import Histories
from stackfold.application.stacks.queries import Queries
from stackfold.application.stacks.views import ComponentView
from stackfold.domain.stacks.component import Component
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.domain.stacks.origin import Origin

if TYPE_CHECKING:
    from stackfold.application.stacks.reverts import Reverts


class Components:
    """What can be done with components, and asked of them.

    A `reference` is a name, an id or a unique prefix of either; None stands for the active
    stack's component of the type.
    """

    def __init__(
        self,
        repository: Repository,
        queries: Queries,
        histories: Histories,
        flavors: Flavors,
        reverts: Callable[[], "Reverts"],
    ) -> None:
        """Record in `repository`, and ask `queries`.

        Args:
            repository: The log.
            queries: The questions about stacks and components.
            histories: The questions about what was.
            flavors: What checks configurations.
            reverts: Makes what goes back, when that is wanted; loading it costs time.
        """
        self._repository = repository
        self._queries = queries
        self._histories = histories
        self._flavors = flavors
        self._reverts = reverts

    def list(
        self, type: ComponentType, listing: Listing = ALL, as_of: AsOf = None
    ) -> Sequence[ComponentView]:
        """The living components of a type.

        Args:
            type: The component type.
            listing: Which of them, in which order.
            as_of: A point in the past (see `application.eventsourcing.as_of`); None for now.

        Raises:
            InvalidListing: A column that components do not have.
        """
        return self._queries.components(ComponentType(type), listing, self._queries.position(as_of))

    def get(
        self, type: ComponentType, reference: str | None = None, as_of: AsOf = None
    ) -> ComponentView:
        """One component.

        Raises:
            NotFound: Nothing answers to the reference.
            Ambiguous: The reference is a prefix of several.
            NotInStack: No reference, and the active stack holds no component of the type.
        """
        type = ComponentType(type)
        position = self._queries.position(as_of)
        if reference is None:
            return self._queries.active_component(type, position)
        return self._queries.component(type, reference, position)

    def register(
        self,
        type: ComponentType,
        name: str,
        flavor: str,
        configuration: Mapping[str, Any] | None = None,
        labels: Mapping[str, str] | None = None,
        why: str = "",
    ) -> ComponentView:
        """Name and configure a flavor.

        Args:
            type: What the component does in a stack.
            name: Its name, unique among the living components of its type.
            flavor: The name of a flavor of that type.
            configuration: Attribute → value, as the flavor declares them.
            labels: Label → text.
            why: The reason.

        Raises:
            InvalidName: The name or a label breaks the rule for names.
            UnknownFlavor: The type has no such flavor.
            InvalidConfiguration: The configuration does not fit the flavor.
            NameTaken: The type has a component of that name already.
        """
        type = ComponentType(type)
        explicit = self._flavors.explicit(type, flavor, configuration or {})
        component = Component.register(type, name, flavor, explicit, labels)
        self._repository.save(component, why=why)
        return self._view(component)

    def update(
        self,
        type: ComponentType,
        reference: str | None = None,
        configuration: Mapping[str, Any] | None = None,
        labels: Mapping[str, str | None] | None = None,
        why: str = "",
    ) -> ComponentView:
        """Set attributes and labels; what is not named stays.

        Args:
            type: The component type.
            reference: Which component.
            configuration: Attribute → new value.
            labels: Label → new text, or None to remove it.
            why: The reason.

        Raises:
            InvalidConfiguration: The whole would not fit the flavor.
            Protected: It is a default component.
            NothingToChange: Everything has these values already.
            ConcurrentModification: Somebody else changed the same attributes at the same time.
        """

        def command(component: Component) -> None:
            whole = {**component.configuration, **(configuration or {})}
            explicit = self._flavors.explicit(component.type, component.flavor, whole)
            # A flavor may record an attribute under another name than it was given by.
            asked, before = configuration or {}, component.configuration
            given = {
                name: value
                for name, value in explicit.items()
                if name in asked or name not in before or value != before[name]
            }
            component.update(given, labels)

        return self._change(type, reference, command, why)

    def remove_attributes(
        self,
        type: ComponentType,
        reference: str | None,
        attributes: Sequence[str],
        why: str = "",
    ) -> ComponentView:
        """Let attributes go back to the flavor's defaults.

        Raises:
            NotFound: One of them is not set.
            InvalidConfiguration: The flavor requires one of them.
            Protected: It is a default component.
        """

        def command(component: Component) -> None:
            component.remove_attributes(attributes)
            self._flavors.explicit(component.type, component.flavor, component.configuration)

        return self._change(type, reference, command, why)

    def rename(
        self, type: ComponentType, reference: str | None, name: str, why: str = ""
    ) -> ComponentView:
        """Give a component another name.

        Raises:
            InvalidName: The new name breaks the rule for names.
            NameTaken: The type has a component of that name already.
            Protected: It is a default component.
            NothingToChange: It has that name already.
        """
        return self._change(type, reference, lambda component: component.rename(name), why)

    def copy(
        self, type: ComponentType, reference: str | None, name: str, why: str = ""
    ) -> ComponentView:
        """Register a component like another one, under a new name.

        Raises:
            InvalidName: The new name breaks the rule for names.
            NameTaken: The type has a component of that name already.
        """
        original = self._repository.load(Component, self.get(type, reference).id)
        copy = Component.register(
            original.type,
            name,
            original.flavor,
            original.configuration,
            original.labels,
            copied_from=Origin(id=original.id, revision=original.version),
        )
        self._repository.save(copy, why=why)
        return self._view(copy)

    def delete(self, type: ComponentType, reference: str, why: str = "") -> ComponentView:
        """Delete a component that no stack uses, and return it as it was.

        Raises:
            InUse: Stacks use it.
            Protected: It is a default component.
        """
        view = self.get(type, reference)
        self._repository.change(Component, view.id, Component.delete, why)
        return view

    # -- the past

    def history(
        self, type: ComponentType, reference: str | None = None, limit: int | None = None
    ) -> Sequence[HistoryEntry]:
        """What was done to a component, newest first.

        Args:
            type: The component type.
            reference: Which component, deleted or not.
            limit: At most so many entries.

        Raises:
            NotFound: There never was such a component.
        """
        return self._histories.of_component(ComponentType(type), reference, limit)

    def revert(
        self,
        type: ComponentType,
        reference: str,
        to: int | None = None,
        *,
        as_of: AsOf = None,
        dry_run: bool = False,
        why: str = "",
    ) -> Sequence[HistoryEntry]:
        """Make a component what it was, as a new revision.

        Args:
            type: The component type.
            reference: Which component.
            to: The revision to go back to; by default the one before the latest.
            as_of: Instead of a revision, a point in the past.
            dry_run: Only tell what would change.
            why: The reason.

        Returns:
            What it changed.

        Raises:
            NoSuchRevision: It has no such revision.
            DidNotExistAt: It did not exist then.
            InvalidConfiguration: Its flavor no longer accepts the old configuration.
            NameTaken: Another component has the name by now that it had then.
            NothingToChange: It is like that.
        """
        return self._reverts().revert_component(
            ComponentType(type), reference, to, as_of, dry_run, why
        )

    def restore(
        self, type: ComponentType, reference: str, *, dry_run: bool = False, why: str = ""
    ) -> Sequence[HistoryEntry]:
        """Bring back a deleted component, as it was before; returns what it changed.

        Raises:
            NotFound: There never was such a component.
            NotDeleted: It is there.
            InvalidConfiguration: Its flavor no longer accepts the configuration.
            NameTaken: Another component has its name by now.
        """
        return self._reverts().restore_component(ComponentType(type), reference, dry_run, why)

    # -- how it is done

    def _change(
        self,
        type: ComponentType,
        reference: str | None,
        command: Callable[[Component], None],
        why: str,
    ) -> ComponentView:
        id = self.get(type, reference).id
        return self._view(self._repository.change(Component, id, command, why))

    def _view(self, component: Component) -> ComponentView:
        return self._queries.component(component.type, str(component.id))
