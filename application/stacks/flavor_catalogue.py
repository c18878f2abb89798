"""Which flavors there are: built in, from packages, or a user's own; told without loading any."""

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
"""Where the flavors that users registered come from."""
BUILT_IN = "built-in"
"""Where those come from that need nothing but Stackfold."""


class Entry(NamedTuple):
    """A flavor, as far as it is known without loading its class."""

    name: str
    type: str
    integration: str
    """Where it comes from: "built-in", an extra of ours, a package's name, or "own"."""
    summary: str
    source: str
    """Where its class is, as "module.Class"."""
    requires: tuple[str, ...] = ()
    """pip requirements."""
    modules: tuple[str, ...] = ()
    """The modules that must be there for it to run."""
    version: str = ""
    """The version of the package that ships it; empty for a user's own."""
    is_ours: bool = False
    """Whether it comes with Stackfold."""


class PackageProblem(NamedTuple):
    """Why a flavor of an installed package is left out, or cannot be told from another."""

    package: str
    entry_point: str
    problem: str

    def __str__(self) -> str:
        """The problem in a line."""
        return f"the package {self.package} has an entry point {self.entry_point!r}: {self.problem}"


class Packages(Protocol):
    """The flavors that are there without being registered, and the way to any flavor's class."""

    def entries(self) -> Sequence[Entry]:
        """Every built-in flavor, and every one that an installed package ships."""
        ...

    def problems(self) -> Sequence[PackageProblem]:
        """What is wrong with the flavors of installed packages."""
        ...

    def installed(self, modules: Sequence[str]) -> bool:
        """Whether all the modules can be found."""
        ...

    def finds(self, flavor: str, source: str) -> bool:
        """Whether the module of a user's own class is where classes are looked for.

        Args:
            flavor: The flavor that it is registered as, "type.name".
            source: The class, as "module.Class".
        """
        ...

    def load(self, flavor: str, source: str) -> object | None:
        """The object at "module.Class"; None if its module is not where classes are looked for.

        Args:
            flavor: The flavor that it is registered as, "type.name".
            source: The class, as "module.Class".

        Raises:
            InvalidFlavor: It cannot be imported.
        """
        ...

    def load_named(self, source: str) -> object | None:
        """The object at "module.Class", which may lie in the current folder; raises as `load`."""
        ...

    def remember(self, flavor: str, source: str) -> bool:
        """Remember where the class of a flavor was found; False if that is known.

        Raises:
            InvalidFile: It cannot be kept.
        """
        ...


class Catalogue:
    """All flavors: those of packages, and those that users registered."""

    def __init__(self, packages: Packages, queries: StackQueries) -> None:
        """Know the flavors of `packages`, and those registered according to `queries`."""
        self.packages = packages
        self._queries = queries

    def views(self, type: ComponentType, listing: Listing = ALL) -> list[FlavorView]:
        """The flavors of a component type.

        Raises:
            InvalidListing: A column that flavors do not have.
        """
        return selected([self.view(entry) for entry in self.entries(type)], listing)

    def entries(self, type: ComponentType) -> list[Entry]:
        """The flavors of a component type."""
        shipped = [entry for entry in self.packages.entries() if entry.type == type]
        return [*shipped, *map(_own, self._queries.flavors(type))]

    def entry(self, type: ComponentType, name: str) -> Entry:
        """One flavor.

        Raises:
            UnknownFlavor: The type has none of that name.
            DuplicateFlavor: It has several.
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
        """Refuse a name that no flavor of a type has; raises UnknownFlavor."""
        with suppress(DuplicateFlavor):
            self.entry(type, name)

    def view(self, entry: Entry) -> FlavorView:
        """What a list shows of a flavor."""
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
