"""The component types that installed packages declare by entry points."""

from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

from stackfold.application.stacks.component_types import InstalledTypes, Packages, check_declaration
from stackfold.application.stacks.flavor_catalogue import PackageProblem
from stackfold.domain.errors import InvalidComponentType
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.system.entry_points import mentioned

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ENTRY_POINTS = "stackfold.component_types"
"""The entry-point group: `<name> = module:NAME`, of a `ComponentType` that is declared there. The
module is imported for `stackfold --help`, so it should import little."""


@cache
def installed_types() -> InstalledTypes:
    """Read the entry points and import the declarations, once in a process."""
    if not mentioned(ENTRY_POINTS):
        return InstalledTypes()
    from importlib.metadata import entry_points

    # A package that is found twice on the path counts once.
    found = {(point.name, _package(point)): point for point in entry_points(group=ENTRY_POINTS)}
    times = Counter(name for name, _ in found)
    types: list[ComponentType] = []
    problems = []
    for (name, package), point in sorted(found.items()):
        loaded = _load(point)
        if times[name] > 1:
            both = " and ".join(repr(each) for other, each in sorted(found) if other == name)
            loaded = f"the packages {both} declare it: uninstall one of them"
        if isinstance(loaded, ComponentType):
            types.append(loaded.of_package(package))
        else:
            problems.append(PackageProblem(package, name, loaded))
    return InstalledTypes(types, problems)


def _load(point: "EntryPoint") -> "ComponentType | str":
    """Import a declaration; a text says why it cannot be used."""
    try:
        loaded = point.load()
        check_declaration(loaded)
    except InvalidComponentType as error:
        return str(error)
    except (Exception, SystemExit) as error:  # a module may raise anything on import
        line = " ".join(f"{type(error).__name__}: {error}".split())
        return f"importing {point.value} failed: {line}"
    if loaded != point.name:
        return f"{point.value} declares {loaded.value!r}: the names must agree"
    declared: ComponentType = loaded
    return declared


def _package(point: "EntryPoint") -> str:
    return str(point.dist.name) if point.dist else "unknown"


def _package_of(module: str) -> str | None:
    from stackfold.infrastructure.system.aggregate_packages import InstalledAggregates

    return InstalledAggregates().package_of(module)


PACKAGES = Packages(installed_types, _package_of)
"""The packages in the Python environment."""
