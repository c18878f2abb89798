"""Flavors: what a component can be of."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    UnknownFlavor,
)
from stackfold.domain.stacks.component_type import ComponentType

if TYPE_CHECKING:
    from stackfold.application.ports import StackComponent
    from stackfold.application.secrets.secrets import StoredSecrets


class Flavors:
    """Queries and commands on flavors, and the way from a flavor to its class."""

    def __init__(
        self,
        queries: StackQueries,
        catalogue: Catalogue,
        home: Path,
        secrets: "StoredSecrets",
        services: StackServices,
    ) -> None:
        """Create the service.

        Args:
            queries: Reads custom flavors.
            catalogue: Lists all flavors, without importing them.
            home: The folder that relative paths of components refer to.
            secrets: Resolves references to secrets.
            services: Creates what commands need, on first use.
        """
        self._services = services
        self._queries = queries
        self._catalogue = catalogue
        self._home = home
        self.secrets = secrets

    def list(self, type: ComponentType, listing: Listing = ALL) -> Sequence[FlavorView]:
        """List the flavors of a component type.

        Args:
            type: The component type.
            listing: Filters, order and page.

        Raises:
            InvalidListing: Flavors have no such column.
        """
        return self._catalogue.views(ComponentType(type), listing)

    def problems(self) -> Sequence[PackageProblem]:
        """Return why flavors of installed packages cannot be used."""
        return self._catalogue.packages.problems()

    def require(self, type: ComponentType, name: str) -> None:
        """Check that a type has a flavor of that name.

        Raises:
            UnknownFlavor: It has none.
        """
        self._catalogue.require(type, name)

    def describe(self, type: ComponentType, name: str) -> FlavorDescription:
        """A flavor with its requirements and the JSON schema of its configuration.

        Raises:
            UnknownFlavor: There is none of that name.
            InvalidFlavor: Its class is gone or no longer fits its type.
        """
        from stackfold.application.stacks.flavor_class import schema_of

        entry = self._catalogue.entry(type, name)
        return FlavorDescription(
            *self._catalogue.view(entry),
            source=entry.source,
            requires=[*self.requirements(type, name)],
            schema=schema_of(entry.source, self.implementation(type, name)),
        )

    def register(self, type: ComponentType, source: str, why: str = "") -> FlavorView:
        """Make a class of one's own known as a flavor.

        The folder that it is in is remembered by the home, not by the log. So who works on
        another's log, or has moved the folder, registers the class once more: that records
        nothing, and from then on it is found here, too.

        Args:
            type: The component type whose port the class implements.
            source: Where the class is, as "module.Class"; also in the current folder.
            why: The reason.

        Raises:
            InvalidFlavor: There is no such class, or it does not implement the port.
            NameTaken: The type has a flavor of that name already.
        """
        import inspect

        from stackfold.application.stacks.flavor_class import checked, schema_of
        from stackfold.domain.stacks.flavor import Flavor

        type = ComponentType(type)
        found = self._catalogue.packages.load_named(source)
        if found is None:
            module = source.rpartition(".")[0]
            raise InvalidFlavor(source, f"no module {module!r} is installed, or in this folder")
        flavor = checked(found, source, type)
        same = [each for each in self._catalogue.entries(type) if each.name == flavor.flavor]
        known = [(each.integration, each.source) for each in same] == [(OWN, source)]
        if same and not known:
            raise NameTaken(f"{type.noun} flavor", flavor.flavor)
        news = self._catalogue.packages.remember(f"{type}.{flavor.flavor}", source)
        if known and not news:
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

    def is_registered(self, type: ComponentType, source: str) -> bool:
        """Whether a class is a flavor in this log already, wherever it was registered."""
        entries = self._catalogue.entries(ComponentType(type))
        return any((each.integration, each.source) == (OWN, source) for each in entries)

    def delete(
        self,
        type: ComponentType,
        name: str,
        why: str = "",
        *,
        expected_revision: int | None = None,
    ) -> None:
        """Forget a flavor of one's own.

        Args:
            type: The component type.
            name: The name of the flavor.
            why: The reason.
            expected_revision: The revision that this was decided on; None for any.

        Raises:
            StaleRevision: It has another revision than the expected one.
            UnknownFlavor: There is none of that name.
            Protected: It came with a package.
            InUse: A component is of that flavor.
        """
        type = ComponentType(type)
        self._catalogue.require(type, name)
        from stackfold.domain.stacks.flavor import Flavor

        own = {stored.name: stored.id for stored in self._queries.flavors(type)}
        if name not in own:
            hint = "uninstall the package that provides it"
            raise Protected(f"{type.noun} flavor", name, "deleted", hint)
        self._services.repository.change(Flavor, own[name], Flavor.delete, why, expected_revision)

    # -- what components and runs need of a flavor

    def implementation(self, type: ComponentType, name: str) -> "type[StackComponent]":
        """The class of a flavor; raises as `describe`."""
        return self._load(self._catalogue.entry(type, name))

    def explicit(
        self, type: ComponentType, name: str, configuration: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The given attributes as JSON values of the types that the flavor declares.

        Raises:
            UnknownFlavor: There is none of that name.
            InvalidConfiguration: The attributes do not fit it.
        """
        from stackfold.application.stacks.configuration import explicit

        return explicit(self.implementation(type, name), configuration)

    def resolved(self, entry: Entry, configuration: Mapping[str, Any]) -> dict[str, Any]:
        """Return every attribute of a flavor, defaults included; raises as `explicit`."""
        from stackfold.application.stacks.configuration import resolved

        return resolved(self._load(entry), configuration)

    def entry(self, type: ComponentType, name: str) -> Entry:
        """A flavor, as far as it is known without loading its class.

        Raises:
            UnknownFlavor: There is none of that name.
        """
        return self._catalogue.entry(type, name)

    def build(
        self, type: ComponentType, name: str, configuration: Mapping[str, Any], source: str = ""
    ) -> "StackComponent":
        """An instance of the flavor's class, ready for use.

        Args:
            type: The component type.
            name: The flavor's name.
            configuration: Attribute → value.
            source: Where a run found the class. It is used for a flavor of the user's own, which
                may be gone by now, or be another class; a package knows where its classes are.

        Raises:
            NotInstalled: What the flavor requires is not there.
            UnknownFlavor: There is none of that name.
            InvalidConfiguration: The attributes do not fit it.
        """
        missing = self.missing(type, name)
        if missing is None:
            return self.sketch(type, name, configuration, source)
        try:
            component = self.sketch(type, name, configuration, source)
        except StackfoldError:  # for want of that, most likely
            raise missing from None
        if not component.has_own_environment:
            raise missing
        return component

    def requirements(self, type: ComponentType, name: str) -> Sequence[str]:
        """The pip requirements of a flavor.

        That of a package needs the package, and what its class says; one's own, what that says.

        Raises:
            UnknownFlavor: There is none of that name.
            InvalidFlavor: Its class cannot be loaded.
        """
        entry = self._catalogue.entry(type, name)
        if entry.is_ours:
            return entry.requires
        return [*dict.fromkeys((*entry.requires, *self._load(entry).requires))]

    def missing(self, type: ComponentType, name: str) -> NotInstalled | None:
        """What keeps a flavor from being used here for want of a package; None if nothing does."""
        installed = self._catalogue.packages.installed
        for entry in self._catalogue.packages.entries():
            is_it = (entry.type, entry.name) == (type, name)
            if is_it and not installed(entry.modules):
                noun = ComponentType(type).noun
                return NotInstalled(noun, name, entry.integration, entry.requires)
        return None

    def sketch(
        self, type: ComponentType, name: str, configuration: Mapping[str, Any], source: str = ""
    ) -> "StackComponent":
        """What `build` makes, to be asked what it needs, whether or not it could be used here."""
        try:
            entry = self._catalogue.entry(type, name)
        except UnknownFlavor:
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
            raise FlavorClassNotFound(type.command, entry.source)
        flavor = checked(found, entry.source, type)
        if entry.integration != OWN and flavor.flavor != entry.name:
            raise InvalidFlavor(
                entry.source,
                f"the package {entry.integration} calls it {entry.name!r}, and the class calls "
                f"itself {flavor.flavor!r}: they must agree",
            )
        return flavor
