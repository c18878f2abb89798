"""Parts of a program: a function, a class or a module, with the code and values that it names."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

from stackfold.domain.pipelines.code.bytecode import CodeFacts, Import, Path, facts
from stackfold.domain.pipelines.code.imports import Imports, absolute
from stackfold.domain.pipelines.code.user_code import (
    attributes,
    bases,
    dictionary,
    is_class,
    is_user_module,
    loaded_module,
    members,
    namespace,
    qualname,
)
from stackfold.domain.pipelines.code.value_reader import ValueReader

Variable = tuple[int, str]
"""(id of a module's namespace or a class, name): a global variable or class attribute."""


class Part(NamedTuple):
    """The content of one function, class or module, and the other parts that it refers to."""

    digest: str
    """sha256 of the lines, in hexadecimal."""
    lines: tuple[tuple[Variable | None, str], ...]
    """(variable, text) for each value or piece of code; the variable that has the value, if any."""
    links: tuple[Any, ...]
    """The user functions, classes and modules that it refers to."""
    assigned: frozenset[Variable]
    """The variables that it changes while it runs: their values are not part of the code."""
    opaque: tuple[str, ...]
    """Values that only their class represents, as "name (module.Class)"."""
    owner: Any
    """The function, class or module: referenced, so that its id is not reused."""

    def digest_without(self, assigned: frozenset[Variable]) -> str:
        """The digest without the values of some variables."""
        if not any(variable in assigned for variable, _ in self.lines):
            return self.digest
        return _digest(text for variable, text in self.lines if variable not in assigned)


def _digest(lines: Iterable[str]) -> str:
    text = "\n".join(lines)
    return hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()


Known = dict[tuple[int, str], tuple[Any, str, list[Any], list[str]]]
"""Cache of values: (id, file) → (value, text, links, opaque)."""


def part(of: Any, imports: Imports, known: Known, with_defaults: bool = True) -> Part:
    """Read a function, a class or a module.

    Args:
        of: The function, class or module.
        imports: Follows imports inside functions.
        known: Cache of the values that are read.
        with_defaults: Whether to include the default values of a function.
    """
    if type(of) is FunctionType:
        builder = _PartBuilder(of, of.__globals__, known)
        builder.function(of, imports, with_defaults)
    elif issubclass(type(of), ModuleType):
        builder = _PartBuilder(of, namespace(of), known)
        builder.module(of)
    else:
        module = loaded_module(members(of).get("__module__", ""))
        builder = _PartBuilder(of, namespace(module) if module else {}, known)
        builder.type(of)
    return builder.part()


# Attributes of every module; "__name__" differs if the file is run.
_OF_MODULES = {
    "__name__", "__file__", "__doc__", "__spec__", "__package__", "__path__", "__loader__",
    "__cached__", "__builtins__", "__annotations__", "__all__",
}  # fmt: skip
# Attributes of classes: their location, what Python derives from other attributes, and caches.
_NO_CODE = {
    "__module__", "__dict__", "__weakref__", "__doc__", "__firstlineno__", "__static_attributes__",
    "__abstractmethods__", "_abc_impl", "__slotnames__", "__dataclass_params__",
    "__annotate_func__", "__annotations_cache__", "__match_args__", "__signature__",
    "__class_vars__", "__qualname__", "__attrs_attrs__", "__parameters__", "_member_map_",
    "_member_names_", "_value2member_map_", "_unhashable_values_", "_unhashable_values_map_",
    "_hashable_values_", "__protocol_attrs__", "__non_callable_proto_members__",
}  # fmt: skip


class _PartBuilder:
    """Collects the lines of a part."""

    def __init__(self, owner: Any, names: Mapping[str, Any], known: Known) -> None:
        self._owner = owner
        self._known = known
        self._file = str(names.get("__file__") or "")
        self._reader = ValueReader(self._file)
        self._lines: list[tuple[Variable | None, str]] = []
        self._assigned: set[Variable] = set()

    def part(self) -> Part:
        reader = self._reader
        links = {id(each): each for each in reader.links}
        return Part(
            _digest(text for _, text in self._lines),
            tuple(self._lines),
            tuple(links.values()),
            frozenset(self._assigned),
            tuple(reader.opaque),
            self._owner,
        )

    # -- functions

    def function(self, function: FunctionType, imports: Imports, with_defaults: bool) -> None:
        found = facts(function.__code__)
        self._line(found.digest)
        for name, value in _enclosed(function):
            self._value(name, value)
        self._globals(function, found)
        self._imports(function, found, imports)
        if with_defaults:
            self._value("defaults", function.__defaults__)
            self._value("keyword defaults", function.__kwdefaults__)
        for value in [*dictionary(function).values()]:
            self._reader.search(value)  # such as the wrapped function
        self._reader.opaque += [f"what {each} leads to" for each in found.unresolved]

    def _globals(self, function: FunctionType, found: CodeFacts) -> None:
        space = function.__globals__
        changed = self._changed(space, found)
        seen: set[Path] = set()
        for path in found.named:
            if not isinstance(path[0], str) or path[0] not in space or path[0] in _OF_MODULES:
                continue
            names, value, variable = _resolved(space, path)
            if names in seen:
                continue
            seen.add(names)
            self._value(".".join(names), value, variable, changed.get(id(value), ()))

    def _changed(self, space: dict[str, Any], found: CodeFacts) -> dict[int, set[str]]:
        """Add the variables that a function changes; return changed attributes by object id."""
        of_objects: dict[int, set[str]] = {}
        for path in found.assigned:
            if not isinstance(path[0], str) or path[0] not in space:
                continue
            names, value, variable = _resolved(space, path)
            if len(names) == len(path):
                self._assigned.add(variable)
            elif is_class(value):
                self._assigned.add((id(value), path[len(names)]))
            else:
                of_objects.setdefault(id(value), set()).add(path[len(names)])
        return of_objects

    def _imports(self, function: FunctionType, found: CodeFacts, imports: Imports) -> None:
        space = function.__globals__
        package = space.get("__package__") or ""
        if not package and "__path__" in space:
            package = str(space.get("__name__"))
        read: list[Path] = []
        for path in found.named:
            if not isinstance(path[0], Import):
                continue
            name = absolute(path[0], str(package))
            loaded = loaded_module(name)
            if loaded is not None and not is_user_module(loaded):
                continue
            if loaded is None or imports.module(name) is not None:
                read.append(path)
            else:
                names, value, variable = _resolved({"": loaded}, ("", *path[1:]))
                self._value(".".join([name, *names[1:]]), value, variable)
        if read:
            imported = imports.follow(read, str(package))
            for line in imported.lines:
                self._line(line)
            self._reader.opaque += imported.opaque

    # -- classes and modules

    def type(self, kind: type) -> None:
        self._line(qualname(kind))
        for base in (*bases(kind), type(kind)):
            self._value("base", base)
        space = members(kind)
        is_model = any(name.startswith("__pydantic_") for name in space)
        for name in sorted(space):
            if name in _NO_CODE or (is_model and "pydantic" in name):
                continue
            if space[name] is members(object).get(name):
                continue  # `typing.Protocol` sets such attributes when a class is used
            if name == "__dataclass_fields__":
                self._fields(space[name])
            elif name == "__private_attributes__":
                self._pairs(name, space[name])
            else:
                self._value(f"{qualname(kind)}.{name}", space[name], (id(kind), name))
        for name, member in (space.get("_member_map_") or {}).items():  # of an enumeration
            self._value(name, dictionary(member).get("_value_"))
        if is_model:
            self._pairs("fields", space.get("__pydantic_fields__") or space.get("model_fields"))
        for each in space.get("__attrs_attrs__") or ():
            self._record("field", each)

    def _fields(self, fields: Any) -> None:
        """Add the defaults of the fields of a data class."""
        for name in fields:
            for attribute in ("default", "default_factory"):
                value = getattr(fields[name], attribute)
                if type(value).__name__ != "_MISSING_TYPE":
                    self._value(f"{name}.{attribute}", value)

    def _pairs(self, label: str, fields: Any) -> None:
        if type(fields) is dict:
            for name, each in fields.items():
                self._record(f"{label}.{name}", each)

    def _record(self, label: str, record: Any) -> None:
        """Add the attributes of a field's description by pydantic or attrs."""
        for name, value in sorted(attributes(record).items()):
            if name not in _NO_CODE_OF_FIELDS:
                self._value(f"{label}.{name}", value)

    def module(self, module: ModuleType) -> None:
        for name in sorted(namespace(module)):
            if name not in _OF_MODULES:
                self._value(name, namespace(module)[name], (id(namespace(module)), name))

    # -- lines

    def _value(
        self,
        label: str,
        value: Any,
        variable: Variable | None = None,
        without: Iterable[str] = (),
    ) -> None:
        key = id(value), self._file
        found = None if without else self._known.get(key)
        if found is None:
            reader = ValueReader(self._file)
            text = reader.text(value, label, without)
            found = value, text, reader.links, reader.opaque
            if not without:
                self._known[key] = found
        self._lines.append((variable, f"{label}={found[1]}"))
        self._reader.links += found[2]
        self._reader.opaque += found[3]

    def _line(self, text: str) -> None:
        self._lines.append((None, text))


_NO_CODE_OF_FIELDS = {
    "title", "description", "examples", "deprecated", "json_schema_extra", "_attributes_set",
    "_qualifiers", "_complete", "_default_factory_takes_validated_data", "_original_assignment",
    "_original_annotation", "_final",
    "evaluated", "counter", "inherited", "_frozen",
}  # fmt: skip


def _resolved(space: dict[str, Any], path: Path) -> tuple[tuple[str, ...], Any, Variable]:
    """Follow a path through user modules, to the first value that is not a user module.

    Args:
        space: The global names that the path starts in.
        path: A global name, and the attributes that are read from it.

    Returns:
        The part of the path that was followed, the value, and the variable that has it.
    """
    name, *rest = path
    names: tuple[str, ...] = (name,)
    value, variable = space[name], (id(space), name)
    while rest and issubclass(type(value), ModuleType) and is_user_module(value):
        inner = namespace(value)
        name, *rest = rest
        if name not in inner:
            # Returned by `__getattr__` of the module, or imported later.
            return (*names, name), inner.get("__getattr__"), (id(inner), name)
        names, value, variable = (*names, name), inner[name], (id(inner), name)
    return names, value, variable


def _enclosed(function: FunctionType) -> Iterator[tuple[str, Any]]:
    cells = function.__closure__ or ()
    for name, cell in zip(function.__code__.co_freevars, cells, strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # not assigned yet
            yield name, None
