"""The component types of a workspace: those of Stackfold, of the program, and of packages."""

from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from stackfold.application.stacks.flavor_catalogue import PackageProblem
from stackfold.domain.errors import (
    InvalidComponentType,
    MissingComponentType,
    UnknownComponentType,
)
from stackfold.domain.stacks.component_type import ComponentType

if TYPE_CHECKING:
    from stackfold.application.ports import StackComponent


class InstalledTypes(NamedTuple):
    """The component types that installed packages declare."""

    types: Sequence[ComponentType] = ()
    problems: Sequence[PackageProblem] = ()
    """Why declarations cannot be used; the entry point of each is the name of its type."""


class Packages(NamedTuple):
    """What is known of installed packages."""

    types: Callable[[], InstalledTypes]
    """Returns the component types that they declare by entry points."""
    package_of: Callable[[str], str | None]
    """Returns the distribution that contains a module; None if there is none."""


class RecordedTypes:
    """The component types that the log mentions."""

    def __init__(
        self, names: Callable[[], Sequence[str]], package: Callable[[str], str | None]
    ) -> None:
        """Create the queries.

        Args:
            names: Returns the names of all types that components have or had.
            package: Returns the package that declared a type when a component of it was recorded.
        """
        self.names = names
        self.package = package


class ComponentTypes:
    """Finds the declaration of a component type by its name.

    Packages are searched only for names that Stackfold and the program do not declare.
    """

    def __init__(
        self,
        declared: Sequence[ComponentType],
        packages: Packages,
        recorded: RecordedTypes,
    ) -> None:
        """Create the set.

        Args:
            declared: The types that the program declares.
            packages: The installed packages.
            recorded: The types in the log.

        Raises:
            InvalidComponentType: A declaration is incomplete, or two differ.
        """
        self._declared: dict[str, ComponentType] = {}
        self._packages = packages
        self._recorded = recorded
        for each in declared:
            check_declaration(each)
            other = self._declared.setdefault(each, each)
            if _contents(other) != _contents(each):
                raise InvalidComponentType(each, "it is declared twice, differently")

    def __iter__(self) -> Iterator[ComponentType]:
        """The types that can be used here: those of Stackfold first."""
        yield from ComponentType
        yield from self._declared.values()
        yield from (each for each in self._packages.types().types if each not in self._declared)

    def __contains__(self, name: object) -> bool:
        return name in ComponentType or self._own(str(name)) is not None

    def problems(self) -> Sequence[PackageProblem]:
        """Why the component types of installed packages cannot be used."""
        return self._packages.types().problems

    def mentioned(self) -> Sequence[ComponentType]:
        """The types that can be used, and then those that only the log mentions."""
        types = [*self]
        recorded = (each for each in self._recorded.names() if each not in types)
        return [*types, *map(ComponentType, recorded)]

    def of(self, name: str) -> ComponentType:
        """The component type of a name, to record something under it.

        Raises:
            UnknownComponentType: There is no such type.
            MissingComponentType: It is in the log, and the package that declares it is missing.
            InvalidComponentType: The package that declares it is broken.
        """
        found = self._find(name)
        if found is not None:
            return self._with_package(found)
        for problem in self.problems():
            if problem.entry_point == name:
                raise InvalidComponentType(
                    name, f"in the package {problem.package!r}, {problem.problem}"
                )
        raise self.missing(name)

    def known(self, name: str) -> ComponentType:
        """The component type of a name, to read what is recorded under it.

        Raises:
            UnknownComponentType: There is no such type, and the log does not mention one.
        """
        found = self._find(name)
        if found is not None:
            return found
        if name in self._recorded.names():
            return ComponentType(name)
        raise UnknownComponentType(name, [*self])

    def several_per_stack(self, name: str) -> bool:
        """Whether a stack may contain several components of a type; True if that is unknown."""
        found = self._find(name)
        return found is None or found.several_per_stack

    def missing(self, name: str) -> UnknownComponentType:
        """The error for a type that nothing declares here."""
        if name not in self._recorded.names():
            return UnknownComponentType(name, [*self])
        return MissingComponentType(name, [*self], self._recorded.package(name) or "")

    def port(self, type: ComponentType) -> "type[StackComponent] | None":
        """The class that the flavors of a type derive from; None if nothing declares it here.

        Raises:
            InvalidComponentType: The class cannot be imported, or is no port of that type.
        """
        from stackfold.application.ports import PORTS

        if type in PORTS:
            return PORTS[type]
        declared = self._own(type)
        return None if declared is None else port_of(declared)

    def _find(self, name: str) -> ComponentType | None:
        if name in ComponentType:
            return ComponentType(name)
        if not isinstance(name, str):
            raise UnknownComponentType(str(name), [*self])
        return self._own(name)

    def _with_package(self, found: ComponentType) -> ComponentType:
        """The type with its package, which events record, also if a program declares it."""
        if found.built_in or found.package is not None:
            return found
        port = found.port
        module = port.partition(":")[0] if isinstance(port, str) else port_of(found).__module__
        if module == "__main__":
            return found
        package = self._packages.package_of(module) or module.partition(".")[0]
        self._declared[found] = found.of_package(package)
        return self._declared[found]

    def _own(self, name: str) -> ComponentType | None:
        if name in self._declared:
            return self._declared[name]
        return next((each for each in self._packages.types().types if each == name), None)


def check_declaration(declared: object) -> None:
    """Check that a component type is a complete declaration; imports nothing.

    Raises:
        InvalidComponentType: It is none.
    """
    if not isinstance(declared, ComponentType):
        raise InvalidComponentType(str(declared), "declare it with ComponentType(name, port=…)")
    if declared.built_in:
        raise InvalidComponentType(declared, "Stackfold has a component type of that name")
    if declared.port is None:
        raise InvalidComponentType(declared, "it is only named: declare it with a port")
    if isinstance(declared.port, str):
        module, _, name = declared.port.partition(":")
        if not all(part.isidentifier() for part in (*module.split("."), name)):
            raise InvalidComponentType(declared, f"its port {declared.port!r} is no module:Class")
        return
    port_of(declared)


def port_of(declared: ComponentType) -> "type[StackComponent]":
    """Import the port of a declared type.

    Raises:
        InvalidComponentType: The class cannot be imported, or is no port of that type.
    """
    import inspect

    from stackfold.application.ports import StackComponent

    port: object = declared.port
    if isinstance(port, str):
        module, _, name = port.partition(":")
        try:
            port = getattr(import_module(module), name)
        except (Exception, SystemExit) as error:  # a module may raise anything on import
            line = " ".join(f"{type(error).__name__}: {error}".split())
            problem = f"its port {declared.port!r} cannot be imported: {line}"
            raise InvalidComponentType(declared, problem) from error
    if not inspect.isclass(port) or not issubclass(port, StackComponent):
        raise InvalidComponentType(declared, "its port must be a class derived from StackComponent")
    if getattr(port, "component_type", None) != declared:
        raise InvalidComponentType(
            declared, f"its port {port.__name__} must have it as its attribute `component_type`"
        )
    return port


def _contents(declared: ComponentType) -> tuple[object, ...]:
    return declared.port, declared.several_per_stack, declared.description
