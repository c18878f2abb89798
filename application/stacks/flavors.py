"""Flavors: lists, registers and deletes flavors, and builds components of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackfold.application.arguments import checked
from stackfold.application.listing.listing import ALL, Listing
from stackfold.application.stacks.flavor_catalogue import OWN, Catalogue, Entry, PackageProblem
from stackfold.application.stacks.queries import StackQueries
from stackfold.application.stacks.services import StackServices
from stackfold.application.stacks.views import FlavorDescription, FlavorView
from stackfold.domain.errors import (
    FlavorClassNotFound,
    InvalidFlavor,
    NameTaken,
    NotInstalled,
    Protected,
    StackfoldError,
    UnknownComponentType,
    UnknownFlavor,
)
from stackfold.domain.stacks.component_type import ComponentType, TypeOrName

if TYPE_CHECKING:
    from stackfold.application.ports import StackComponent
    from stackfold.application.secrets.secrets import StoredSecrets


@checked
class Flavors:
    """Queries and commands on flavors, and the creation of components."""

    def __init__(
        self,
        queries: StackQueries,
        catalogue: Catalogue,
        home: Path,
        services: StackServices,
    ) -> None:
        """Create the service.

        Args:
            queries: Reads custom flavors.
            catalogue: Lists all flavors, without importing them.
            home: The folder that relative paths of components refer to.
            services: Creates what commands need, on first use.
        """
        self._services = services
        self._queries = queries
        self._catalogue = catalogue
        self._home = home

    @property
    def secrets(self) -> "StoredSecrets":
        """Resolves references to secrets."""
        return self._services.stored_secrets

    def list(self, type: TypeOrName | None = None, listing: Listing = ALL) -> Sequence[FlavorView]:
        """List the flavors of a component type, or of all types.

        Args:
            type: The component type; None for all.
            listing: Filters, order and page.

        Raises:
            InvalidListing: Flavors have no such column.
        """
        known = None if type is None else self._services.component_types.known(type)
        return self._catalogue.views(known, listing)

    def problems(self) -> Sequence[PackageProblem]:
        """Return why flavors of installed packages cannot be used."""
        return self._catalogue.packages.problems()

    def require(self, type: TypeOrName, name: str) -> None:
        """Check that a type has a flavor with that name.

        Args:
            type: The component type.
            name: The name of the flavor.

        Raises:
            UnknownFlavor: It has no such flavor.
        """
        self._catalogue.require(self._services.component_types.known(type), name)

    def describe(self, type: TypeOrName, name: str) -> FlavorDescription:
        """Describe a flavor with its requirements and the JSON schema of its configuration.

        Args:
            type: The component type.
            name: The name of the flavor.

        Raises:
            UnknownFlavor: The flavor does not exist.
            InvalidFlavor: Its class no longer exists or no longer implements its type.
        """
        from stackfold.application.stacks.flavor_class import schema_of

        entry = self.entry(type, name)
        return FlavorDescription(
            *self._catalogue.view(entry),
            source=entry.source,
            requires=[*self.requirements(type, name)],
            schema=schema_of(entry.source, self.implementation(type, name)),
        )

    def register(self, type: TypeOrName, source: str, why: str = "") -> FlavorView:
        """Register a class as a custom flavor.

        The home records the folder of the class, the log does not. Users of a shared log, and
        those who moved the folder, register the class again: this changes only the home.

        Args:
            type: The component type whose port the class implements.
            source: The class, as "module.Class"; the module may be in the current folder.
            why: The reason, for the log.

        Raises:
            InvalidFlavor: The class does not exist, or does not implement the port.
            NameTaken: The type has a flavor with that name already.
        """
        import inspect

        from stackfold.application.stacks.flavor_class import checked, schema_of
        from stackfold.domain.stacks.flavor import Flavor

        type = self._services.component_types.of(type)
        found = self._catalogue.packages.load_named(source)
        if found is None:
            module = source.rpartition(".")[0]
            raise InvalidFlavor(source, f"no module {module!r} is installed, or in this folder")
        flavor = checked(found, source, type, self._services.component_types.port(type))
        same = [each for each in self._catalogue.entries(type) if each.name == flavor.flavor]
        known = [(each.integration, each.source) for each in same] == [(OWN, source)]
        if same and not known:
            raise NameTaken(f"{type.noun} flavor", flavor.flavor)
        is_new = self._catalogue.packages.remember(f"{type}.{flavor.flavor}", source)
        if known and not is_new:
            raise NameTaken(f"{type.noun} flavor", flavor.flavor)
        if known:
            return self._catalogue.view(same[0])
        registered = Flavor.register(
            type,
            flavor.flavor,
            source,
            summary=(inspect.getdoc(flavor) or "").partition("\n")[0],
            configuration_schema=schema_of(source, flavor),
        )
        self._services.repository.save(registered, why=why)
        return self._catalogue.view(self._catalogue.entry(type, registered.name))

    def is_registered(self, type: TypeOrName, source: str) -> bool:
        """Whether a class is registered as a flavor in this log, from any home.

        Args:
            type: The component type.
            source: The class, as "module.Class".
        """
        entries = self._catalogue.entries(self._services.component_types.known(type))
        return any((each.integration, each.source) == (OWN, source) for each in entries)

    def delete(
        self,
        type: TypeOrName,
        name: str,
        why: str = "",
        *,
        expected_revision: int | None = None,
    ) -> None:
        """Delete a custom flavor.

        Args:
            type: The component type.
            name: The name of the flavor.
            why: The reason.
            expected_revision: The revision that this was decided on; None for any.

        Raises:
            StaleRevision: It has another revision than the expected one.
            UnknownFlavor: The flavor does not exist.
            Protected: It is part of a package.
            InUse: A component uses it.
        """
        type = self._services.component_types.known(type)
        self._catalogue.require(type, name)
        from stackfold.domain.stacks.flavor import Flavor

        own = {stored.name: stored.id for stored in self._queries.flavors(type)}
        if name not in own:
            hint = "uninstall the package that provides it"
            raise Protected(f"{type.noun} flavor", name, "deleted", hint)
        self._services.repository.change(Flavor, own[name], Flavor.delete, why, expected_revision)

    # -- classes and components

    def implementation(self, type: TypeOrName, name: str) -> "type[StackComponent]":
        """Return the class of a flavor; raises as `describe`."""
        return self._load(self.entry(type, name))

    def explicit(
        self, type: TypeOrName, name: str, configuration: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the given attributes as JSON values of the types that the flavor declares.

        Args:
            type: The component type.
            name: The name of the flavor.
            configuration: Attribute → value.

        Raises:
            UnknownFlavor: The flavor does not exist.
            InvalidConfiguration: The configuration does not fit the flavor.
        """
        from stackfold.application.stacks.configuration import explicit

        return explicit(self.implementation(type, name), configuration)

    def resolved(self, entry: Entry, configuration: Mapping[str, Any]) -> dict[str, Any]:
        """Return every attribute of a flavor, defaults included; raises as `explicit`."""
        from stackfold.application.stacks.configuration import resolved

        return resolved(self._load(entry), configuration)

    def entry(self, type: TypeOrName, name: str) -> Entry:
        """Return what is known of a flavor without importing its class.

        Args:
            type: The component type.
            name: The name of the flavor.

        Raises:
            UnknownFlavor: The flavor does not exist.
            UnknownComponentType: There is no such component type.
            MissingComponentType: The package that declares the type and the flavor is missing.
        """
        type = self._services.component_types.known(type)
        try:
            return self._catalogue.entry(type, name)
        except UnknownFlavor:
            if type in self._services.component_types:
                raise
            raise self._services.component_types.missing(type) from None

    def build(
        self, type: TypeOrName, name: str, configuration: Mapping[str, Any], source: str = ""
    ) -> "StackComponent":
        """Create a component of a flavor.

        Args:
            type: The component type.
            name: The flavor's name.
            configuration: Attribute → value.
            source: The class that a run used, as "module.Class". It replaces the class of a custom
                flavor, which may have changed since; ignored for flavors of packages.

        Raises:
            NotInstalled: A package that the flavor requires is missing.
            UnknownFlavor: The flavor does not exist.
            InvalidConfiguration: The configuration does not fit the flavor.
        """
        missing = self.missing(type, name)
        if missing is None:
            return self.sketch(type, name, configuration, source)
        try:
            component = self.sketch(type, name, configuration, source)
        except StackfoldError:  # most likely because of the missing package
            raise missing from None
        if not component.has_own_environment:
            raise missing
        return component

    def requirements(self, type: TypeOrName, name: str) -> Sequence[str]:
        """Return the pip requirements of a flavor.

        They are those that its class declares, and for a flavor of a package, the package.

        Args:
            type: The component type.
            name: The name of the flavor.

        Raises:
            UnknownFlavor: The flavor does not exist.
            InvalidFlavor: Its class cannot be imported.
        """
        entry = self.entry(type, name)
        if entry.is_ours:
            return entry.requires
        return [*dict.fromkeys((*entry.requires, *self._load(entry).requires))]

    def missing(self, type: TypeOrName, name: str) -> NotInstalled | None:
        """Return the error for a flavor whose packages are missing here; None if none is.

        Args:
            type: The component type.
            name: The name of the flavor.
        """
        installed = self._catalogue.packages.installed
        for entry in self._catalogue.packages.entries():
            is_it = (entry.type, entry.name) == (type, name)
            if is_it and not installed(entry.modules):
                noun = ComponentType(type).noun
                return NotInstalled(noun, name, entry.integration, entry.requires)
        return None

    def sketch(
        self, type: TypeOrName, name: str, configuration: Mapping[str, Any], source: str = ""
    ) -> "StackComponent":
        """Create a component for inspection, even if packages that it requires are missing.

        Args:
            type: The component type.
            name: The name of the flavor.
            configuration: Attribute → value.
            source: The location of the class.
        """
        try:
            entry = self.entry(type, name)
        except (UnknownFlavor, UnknownComponentType):
            if not source:
                raise
            entry = Entry(name, type, OWN, "", source)
        if source and entry.integration == OWN:
            entry = entry._replace(source=source)
        from stackfold.application.stacks.configuration import build

        return build(self._load(entry), configuration, self._home, self.secrets)

    def _load(self, entry: Entry) -> "type[StackComponent]":
        from stackfold.application.stacks.flavor_class import checked

        type = ComponentType(entry.type)
        found = self._catalogue.packages.load(f"{type}.{entry.name}", entry.source)
        if found is None:
            if type not in self._services.component_types:
                raise self._services.component_types.missing(type)
            raise FlavorClassNotFound(type.command, entry.source)
        flavor = checked(found, entry.source, type, self._services.component_types.port(type))
        if entry.integration != OWN and flavor.flavor != entry.name:
            raise InvalidFlavor(
                entry.source,
                f"the package {entry.integration} names it {entry.name!r}, but its attribute "
                f"`flavor` is {flavor.flavor!r}: they must agree",
            )
        return flavor
