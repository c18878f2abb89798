"""Catalogue: lists built-in, packaged and custom flavors, without importing their classes."""

from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple, Protocol

from stackfold.application.listing.filtering import selected
from stackfold.application.listing.listing import ALL, Listing
from stackfold.application.stacks.queries import StackQueries, StoredFlavor
from stackfold.application.stacks.views import FlavorView
from stackfold.domain.errors import DuplicateFlavor, UnknownFlavor
from stackfold.domain.stacks.component_type import ComponentType

OWN = "own"
"""The origin of flavors that users registered."""
BUILT_IN = "built-in"
"""The origin of flavors that require only Stackfold."""


class Entry(NamedTuple):
    """A flavor, as known without importing its class."""

    name: str
    type: str
    integration: str
    """Its origin: "built-in", an extra of Stackfold, the name of a package, or "own"."""
    summary: str
    source: str
    """Its class, as "module.Class"."""
    requires: tuple[str, ...] = ()
    """pip requirements."""
    modules: tuple[str, ...] = ()
    """The modules that it imports to run."""
    version: str = ""
    """The version of the package that ships it; empty for a custom flavor."""
    is_ours: bool = False
    """Whether it is part of Stackfold."""


class PackageProblem(NamedTuple):
    """Why a flavor of an installed package is ignored, or is ambiguous."""

    package: str
    entry_point: str
    problem: str

    def __str__(self) -> str:
        """The problem in one line."""
        return f"the package {self.package} has an entry point {self.entry_point!r}: {self.problem}"


class Packages(Protocol):
    """Lists the flavors of packages, and imports the classes of all flavors."""

    def entries(self) -> Sequence[Entry]:
        """Return the built-in flavors and those of installed packages."""
        ...

    def problems(self) -> Sequence[PackageProblem]:
        """Return the problems of flavors of installed packages."""
        ...

    def installed(self, modules: Sequence[str]) -> bool:
        """Whether all modules can be imported."""
        ...

    def finds(self, flavor: str, source: str) -> bool:
        """Whether the module of a custom flavor can be found.

        Args:
            flavor: The flavor, as "type.name".
            source: The class, as "module.Class".
        """
        ...

    def load(self, flavor: str, source: str) -> object | None:
        """Import the class of a flavor; None if its module cannot be found.

        Args:
            flavor: The flavor, as "type.name".
            source: The class, as "module.Class".

        Raises:
            InvalidFlavor: The module cannot be imported.
        """
        ...

    def load_named(self, source: str) -> object | None:
        """Import a class, also from the current folder; None as for `load`, and raises as it."""
        ...

    def remember(self, flavor: str, source: str) -> bool:
        """Record in the home where the class of a flavor is; False if it is recorded already.

        Raises:
            InvalidFile: The record cannot be written.
        """
        ...


class Catalogue:
    """The flavors of packages, and those that users registered."""

    def __init__(self, packages: Packages, queries: StackQueries) -> None:
        """Create the catalogue.

        Args:
            packages: Lists the flavors of packages.
            queries: Reads custom flavors.
        """
        self.packages = packages
        self._queries = queries

    def views(self, type: ComponentType | None, listing: Listing = ALL) -> list[FlavorView]:
        """List the flavors of a component type, or of all types.

        Raises:
            InvalidListing: Flavors have no such column.
        """
        return selected([self.view(entry) for entry in self.entries(type)], listing)

    def entries(self, type: ComponentType | None) -> list[Entry]:
        """Return the entries of a component type, or of all types."""
        shipped = [entry for entry in self.packages.entries() if type in {None, entry.type}]
        return [*shipped, *map(_own, self._queries.flavors(type))]

    def entry(self, type: ComponentType, name: str) -> Entry:
        """Return the entry of one flavor.

        Raises:
            UnknownFlavor: The type has no flavor with that name.
            DuplicateFlavor: The type has several.
        """
        entries = self.entries(type)
        found = [entry for entry in entries if entry.name == name]
        if not found:
            known = sorted({entry.name for entry in entries})
            raise UnknownFlavor(f"{ComponentType(type).noun} flavor", name, known)
        if len(found) > 1:
            origins = [entry.integration for entry in found]
            raise DuplicateFlavor(ComponentType(type).noun, name, origins)
        return found[0]

    def require(self, type: ComponentType, name: str) -> None:
        """Check that a type has a flavor with that name; raises UnknownFlavor."""
        with suppress(DuplicateFlavor):
            self.entry(type, name)

    def view(self, entry: Entry) -> FlavorView:
        """Return the view of a flavor for lists."""
        return FlavorView(
            name=entry.name,
            type=entry.type,
            integration=entry.integration,
            installed=self.packages.finds(f"{entry.type}.{entry.name}", entry.source)
            if entry.integration == OWN
            else self.packages.installed(entry.modules),
            summary=entry.summary,
        )


def _own(stored: StoredFlavor) -> Entry:
    return Entry(stored.name, stored.type, OWN, stored.summary, stored.source)
