"""Components: one method per query and command on components."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from stackfold.application.arguments import checked
from stackfold.application.eventsourcing.as_of import AsOf
from stackfold.application.history.views import HistoryEntry
from stackfold.application.listing.listing import ALL, Listing
from stackfold.application.stacks.component_reverts import ComponentReverts
from stackfold.application.stacks.queries import StackQueries
from stackfold.application.stacks.services import StackServices
from stackfold.application.stacks.views import ComponentView
from stackfold.domain.errors import NotFound
from stackfold.domain.stacks.component_type import ComponentType, TypeOrName

if TYPE_CHECKING:
    from stackfold.domain.stacks.component import Component


@checked
class Components(ComponentReverts):
    """Queries and commands on components.

    A `reference` is a name, an id or a unique prefix of either; None is the component of that type
    in the active stack.
    """

    def __init__(self, queries: StackQueries, services: StackServices) -> None:
        """Create the service.

        Args:
            queries: Reads current and past read models.
            services: Creates what commands need, on first use.
        """
        self._queries = queries
        self._services = services

    # -- queries

    def types(self) -> "Sequence[ComponentType]":
        """Return the component types: those that can be used, then others in the log.

        The latter were declared by programs and packages that are missing here: what was recorded
        under them can be read, and nothing new can be recorded.
        """
        return self._services.component_types.mentioned()

    def list(
        self, type: TypeOrName | None = None, listing: Listing = ALL, as_of: AsOf = None
    ) -> Sequence[ComponentView]:
        """List the components of a type, or of all types.

        Args:
            type: The component type; None for all.
            listing: Filters, order and page.
            as_of: A point in the past (see `application.eventsourcing.as_of`); None for now.

        Raises:
            InvalidListing: Components have no such column.
        """
        known = None if type is None else self._known(type)
        return self._queries.components(known, listing, self._queries.position(as_of))

    def get(
        self, type: TypeOrName, reference: str | None = None, as_of: AsOf = None
    ) -> ComponentView:
        """Return one component.

        Args:
            type: The component type.
            reference: The component; None for that of the active stack.
            as_of: A point in the past; None for now.

        Raises:
            NotFound: No component matches.
            Ambiguous: The reference is a prefix of several.
            NotInStack: No reference, and the active stack contains no component of the type.
        """
        type = self._known(type)
        position = self._queries.position(as_of)
        if reference is None:
            return self._queries.active_component(type, position)
        return self._queries.component(type, reference, position)

    def history(
        self,
        type: TypeOrName,
        reference: str | None = None,
        limit: int | None = None,
        *,
        as_of: AsOf = None,
    ) -> Sequence[HistoryEntry]:
        """Return the changes of a component, newest first.

        Args:
            type: The component type.
            reference: The component; it may have been deleted.
            limit: The most entries to return.
            as_of: Only changes up to this point in the past; None for all.

        Raises:
            NotFound: There never was such a component.
        """
        type = self._known(type)
        try:
            id = (
                self._queries.active_component(type).id
                if reference is None
                else self._queries.find_component(type, reference).id
            )
        except NotFound:
            if reference is None:
                raise
            id = self._services.history.find("component", reference, type).id
        return self._services.history.of(id, limit, self._queries.position(as_of))

    # -- commands

    def register(
        self,
        type: TypeOrName,
        name: str,
        flavor: str,
        configuration: Mapping[str, Any] | None = None,
        labels: Mapping[str, str] | None = None,
        why: str = "",
    ) -> ComponentView:
        """Register a component: a flavor with a name and a configuration.

        Args:
            type: The component type.
            name: Its name, unique among components of its type.
            flavor: The name of a flavor of that type.
            configuration: Attribute → value, as the flavor declares them.
            labels: Label → text.
            why: The reason.

        Raises:
            InvalidName: The name or a label breaks the rule for names.
            UnknownComponentType: There is no such type.
            UnknownFlavor: The type has no such flavor.
            InvalidConfiguration: The configuration does not fit the flavor.
            NameTaken: Another component of the type has this name.
        """
        from stackfold.domain.stacks.component import Component

        type = self._services.component_types.of(type)
        explicit = self._services.flavors.explicit(type, flavor, configuration or {})
        return self._save(Component.register(type, name, flavor, explicit, labels), why)

    def update(
        self,
        type: TypeOrName,
        reference: str | None = None,
        configuration: Mapping[str, Any] | None = None,
        labels: Mapping[str, str | None] | None = None,
        why: str = "",
        *,
        expected_revision: int | None = None,
    ) -> ComponentView:
        """Set attributes and labels; what is not given stays unchanged.

        Args:
            type: The component type.
            reference: The component.
            configuration: Attribute → new value.
            labels: Label → new text, or None to remove it.
            why: The reason.
            expected_revision: The revision that this was decided on; None for any.

        Raises:
            StaleRevision: It has another revision than the expected one.
            InvalidConfiguration: The resulting configuration does not fit the flavor.
            Protected: It is a default component.
            NothingToChange: Everything has these values already.
            ConcurrentModification: A concurrent change touched the same attributes.
        """
        asked = configuration or {}

        def command(component: "Component") -> None:
            before = component.configuration
            explicit = self._services.flavors.explicit(
                component.type, component.flavor, {**before, **asked}
            )
            # A flavor may record an attribute under another name than the given one.
            changed = {
                name: value
                for name, value in explicit.items()
                if name in asked or name not in before or value != before[name]
            }
            component.update(changed, labels)

        return self._change(type, reference, command, why, expected_revision)

    def remove_attributes(
        self,
        type: TypeOrName,
        reference: str | None,
        attributes: Sequence[str],
        why: str = "",
        *,
        expected_revision: int | None = None,
    ) -> ComponentView:
        """Reset attributes to the defaults of the flavor.

        Args:
            type: The component type.
            reference: The component.
            attributes: Their names.
            why: The reason.
            expected_revision: The revision that this was decided on; None for any.

        Raises:
            StaleRevision: It has another revision than the expected one.
            NotFound: One of them is not set.
            InvalidConfiguration: The flavor requires one of them.
            Protected: It is a default component.
        """

        def command(component: "Component") -> None:
            component.remove_attributes(attributes)
            self._services.flavors.explicit(
                component.type, component.flavor, component.configuration
            )

        return self._change(type, reference, command, why, expected_revision)

    def rename(
        self,
        type: TypeOrName,
        reference: str | None,
        name: str,
        why: str = "",
        *,
        expected_revision: int | None = None,
    ) -> ComponentView:
        """Rename a component.

        Args:
            type: The component type.
            reference: The component.
            name: The new name.
            why: The reason.
            expected_revision: The revision that this was decided on; None for any.

        Raises:
            StaleRevision: It has another revision than the expected one.
            InvalidName: The new name breaks the rule for names.
            NameTaken: Another component of the type has this name.
            Protected: It is a default component.
            NothingToChange: It has this name already.
        """
        return self._change(
            type, reference, lambda component: component.rename(name), why, expected_revision
        )

    def copy(
        self,
        type: TypeOrName,
        reference: str | None,
        name: str,
        why: str = "",
        *,
        expected_revision: int | None = None,
    ) -> ComponentView:
        """Register a copy of a component under a new name.

        Args:
            type: The component type.
            reference: The component to copy.
            name: The name of the copy.
            why: The reason.
            expected_revision: The revision of the component that is to be copied; None for any.

        Raises:
            NotFound: No component matches.
            StaleRevision: The component has another revision than the expected one.
            InvalidName: The new name breaks the rule for names.
            NameTaken: Another component of the type has this name.
        """
        from stackfold.domain.stacks.component import Component
        from stackfold.domain.stacks.origin import Origin

        id = self.get(type, reference).id
        repository = self._services.repository

        def command() -> "Sequence[Component]":
            original = repository.load(Component, id)
            repository.expect(original, expected_revision)
            copy = Component.register(
                original.type,
                name,
                original.flavor,
                original.configuration,
                original.labels,
                copied_from=Origin(id=original.id, revision=original.version),
            )
            return [copy]

        copy, _ = repository.create(command, why, locked=expected_revision is not None)
        return self._queries.component(ComponentType(type), str(copy.id))

    def delete(
        self,
        type: TypeOrName,
        reference: str,
        why: str = "",
        *,
        expected_revision: int | None = None,
    ) -> ComponentView:
        """Delete a component that no stack contains, and return its last state.

        Args:
            type: The component type.
            reference: The component.
            why: The reason.
            expected_revision: The revision that this was decided on; None for any.

        Raises:
            StaleRevision: It has another revision than the expected one.
            InUse: A stack contains it.
            Protected: It is a default component.
        """
        from stackfold.domain.stacks.component import Component

        view = self.get(type, reference)
        self._services.repository.change(
            Component, view.id, Component.delete, why, expected_revision
        )
        return view

    # -- private

    def _save(self, component: "Component", why: str) -> ComponentView:
        self._services.repository.save(component, why=why)
        return self._queries.component_by_id(str(component.id))

    def _change(
        self,
        type: TypeOrName,
        reference: str | None,
        command: "Callable[[Component], None]",
        why: str,
        expected_revision: int | None,
    ) -> ComponentView:
        from stackfold.domain.stacks.component import Component

        id = self.get(type, reference).id
        self._services.repository.change(Component, id, command, why, expected_revision)
        return self._queries.component_by_id(id)
