"""Parts of a program: a function, a class or a module, and what each of them names."""

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
"""A name, in the module or the class with that id."""


class Part(NamedTuple):
    """What one function, class or module consists of, and which others it names."""

    digest: str
    lines: tuple[tuple[Variable | None, str], ...]
    """What counts; with the variable that it is the value of, if it is that of one."""
    links: tuple[Any, ...]
    assigned: frozenset[Variable]
    """The variables that it changes while it runs: their values are no part of the code."""
    opaque: tuple[str, ...]
    owner: Any
    """Kept, so that its id is nobody else's."""

    def digest_without(self, assigned: frozenset[Variable]) -> str:
        """The digest if the values of some variables do not count."""
        if not any(variable in assigned for variable, _ in self.lines):
            return self.digest
        return _digest(text for variable, text in self.lines if variable not in assigned)


def _digest(lines: Iterable[str]) -> str:
    text = "\n".join(lines)
    return hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()


Known = dict[tuple[int, str], tuple[Any, str, list[Any], list[str]]]
"""Values that were read already: id and file → the value, its text, its links, what is opaque."""


def part(of: Any, imports: Imports, known: Known, with_defaults: bool = True) -> Part:
    """What a function, a class or a module consists of.

    Args:
        of: The function, class or module.
        imports: Follows those inside functions.
        known: What was read for other parts, and will be for this one.
        with_defaults: Whether a function's default values count.
    """
    if type(of) is FunctionType:
        making = _Making(of, of.__globals__, known)
        making.function(of, imports, with_defaults)
    elif issubclass(type(of), ModuleType):
        making = _Making(of, namespace(of), known)
        making.module(of)
    else:
        module = loaded_module(members(of).get("__module__", ""))
        making = _Making(of, namespace(module) if module else {}, known)
        making.type(of)
    return making.part()


# What Python puts into every module; "__name__" is another one where a file is run.
_OF_MODULES = {
    "__name__", "__file__", "__doc__", "__spec__", "__package__", "__path__", "__loader__",
    "__cached__", "__builtins__", "__annotations__", "__all__",
}  # fmt: skip
# Of classes: what says where they stand, what Python makes of the rest, and what it remembers.
_NO_CODE = {
    "__module__", "__dict__", "__weakref__", "__doc__", "__firstlineno__", "__static_attributes__",
    "__abstractmethods__", "_abc_impl", "__slotnames__", "__dataclass_params__",
    "__annotate_func__", "__annotations_cache__", "__match_args__", "__signature__",
    "__class_vars__", "__qualname__", "__attrs_attrs__", "__parameters__", "_member_map_",
    "_member_names_", "_value2member_map_", "_unhashable_values_", "_unhashable_values_map_",
    "_hashable_values_", "__protocol_attrs__", "__non_callable_proto_members__",
}  # fmt: skip


class _Making:
    """Gathers the lines of a part."""

    def __init__(self, owner: Any, names: Mapping[str, Any], known: Known) -> None:
        self._owner = owner
        self._known = known
        self._file = str(names.get("__file__") or "")
        self._reading = ValueReader(self._file)
        self._lines: list[tuple[Variable | None, str]] = []
        self._assigned: set[Variable] = set()

    def part(self) -> Part:
        reading = self._reading
        links = {id(each): each for each in reading.links}
        return Part(
            _digest(text for _, text in self._lines),
            tuple(self._lines),
            tuple(links.values()),
            frozenset(self._assigned),
            tuple(reading.opaque),
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
            self._reading.search(value)  # such as the function inside
        self._reading.opaque += [f"what {each} leads to" for each in found.unresolved]

    def _globals(self, function: FunctionType, found: CodeFacts) -> None:
        held = function.__globals__
        changed = self._changed(held, found)
        told: set[Path] = set()
        for path in found.named:
            if not isinstance(path[0], str) or path[0] not in held or path[0] in _OF_MODULES:
                continue
            names, value, variable = _resolved(held, path)
            if names in told:
                continue
            told.add(names)
            self._value(".".join(names), value, variable, changed.get(id(value), ()))

    def _changed(self, held: dict[str, Any], found: CodeFacts) -> dict[int, set[str]]:
        """Note which variables a function changes; return those of objects, by their ids."""
        of_objects: dict[int, set[str]] = {}
        for path in found.assigned:
            if not isinstance(path[0], str) or path[0] not in held:
                continue
            names, value, variable = _resolved(held, path)
            if len(names) == len(path):
                self._assigned.add(variable)
            elif is_class(value):
                self._assigned.add((id(value), path[len(names)]))
            else:
                of_objects.setdefault(id(value), set()).add(path[len(names)])
        return of_objects

    def _imports(self, function: FunctionType, found: CodeFacts, imports: Imports) -> None:
        held = function.__globals__
        package = held.get("__package__") or ""
        if not package and "__path__" in held:
            package = str(held.get("__name__"))
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
            self._reading.opaque += imported.opaque

    # -- classes and modules

    def type(self, kind: type) -> None:
        self._line(qualname(kind))
        for base in (*bases(kind), type(kind)):
            self._value("base", base)
        held = members(kind)
        of_pydantic = any(name.startswith("__pydantic_") for name in held)
        for name in sorted(held):
            if name in _NO_CODE or (of_pydantic and "pydantic" in name):
                continue
            if held[name] is members(object).get(name):
                continue  # what a protocol puts into a class that is used
            if name == "__dataclass_fields__":
                self._fields(held[name])
            elif name == "__private_attributes__":
                self._pairs(name, held[name])
            else:
                self._value(f"{qualname(kind)}.{name}", held[name], (id(kind), name))
        for name, member in (held.get("_member_map_") or {}).items():  # of an enumeration
            self._value(name, dictionary(member).get("_value_"))
        if of_pydantic:
            self._pairs("fields", held.get("__pydantic_fields__") or held.get("model_fields"))
        for each in held.get("__attrs_attrs__") or ():
            self._record("field", each)

    def _fields(self, fields: Any) -> None:
        """The fields of a data class: their defaults are elsewhere, if they are no functions."""
        for name in fields:
            for made in ("default", "default_factory"):
                value = getattr(fields[name], made)
                if type(value).__name__ != "_MISSING_TYPE":
                    self._value(f"{name}.{made}", value)

    def _pairs(self, label: str, fields: Any) -> None:
        if type(fields) is dict:
            for name, each in fields.items():
                self._record(f"{label}.{name}", each)

    def _record(self, label: str, record: Any) -> None:
        """What a library wrote down of a field of one's own class."""
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
            reading = ValueReader(self._file)
            text = reading.text(value, label, without)
            found = value, text, reading.links, reading.opaque
            if not without:
                self._known[key] = found
        self._lines.append((variable, f"{label}={found[1]}"))
        self._reading.links += found[2]
        self._reading.opaque += found[3]

    def _line(self, text: str) -> None:
        self._lines.append((None, text))


_NO_CODE_OF_FIELDS = {
    "title", "description", "examples", "deprecated", "json_schema_extra", "_attributes_set",
    "_qualifiers", "_complete", "_default_factory_takes_validated_data", "_original_assignment",
    "_original_annotation", "_final",
    "evaluated", "counter", "inherited", "_frozen",
}  # fmt: skip


def _resolved(held: dict[str, Any], path: Path) -> tuple[tuple[str, ...], Any, Variable]:
    """Follow a path as far as modules of the user's own go.

    Returns:
        What was followed of the path, the value there, and the variable that holds it.
    """
    name, *rest = path
    names: tuple[str, ...] = (name,)
    value, variable = held[name], (id(held), name)
    while rest and issubclass(type(value), ModuleType) and is_user_module(value):
        inner = namespace(value)
        name, *rest = rest
        if name not in inner:
            # Asked of the module's own function, or imported only later.
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
