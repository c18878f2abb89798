"""Reads the values that code names: their text, and the functions and classes they refer to."""

import re
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from functools import cached_property, lru_cache, partial, partialmethod, singledispatchmethod
from itertools import islice
from operator import attrgetter, itemgetter, methodcaller
from types import (
    BuiltinFunctionType,
    ClassMethodDescriptorType,
    CodeType,
    FunctionType,
    GenericAlias,
    MappingProxyType,
    MethodDescriptorType,
    MethodType,
    ModuleType,
    SimpleNamespace,
    UnionType,
    WrapperDescriptorType,
)
from typing import Any

from stackfold.domain.pipelines.code.bytecode import facts
from stackfold.domain.pipelines.code.constants import constant, is_plain
from stackfold.domain.pipelines.code.user_code import (
    attributes,
    class_path,
    dictionary,
    is_class,
    is_user_class,
    is_user_function,
    is_user_module,
    members,
    module_of,
    mro,
    namespace,
    qualname,
)

MOST_VALUES = 10_000
"""The maximum number of values that are read of one constant; others are left out."""
_DEEPEST = 20
_DEEPEST_IN_LIBRARIES = 4
_MOST_IN_LIBRARIES = 1000
# Modules whose objects refer to the rest of the process, or change without user code.
_NOT_SEARCHED = {
    "_contextvars", "_io", "_queue", "_random", "_socket", "_ssl", "_thread", "_weakref", "asyncio",
    "contextvars", "io", "logging", "multiprocessing", "queue", "random", "selectors", "socket",
    "sqlite3", "ssl", "subprocess", "threading", "weakref",
}  # fmt: skip

_SEQUENCES = {tuple, list, set, frozenset, deque}
_MAPPINGS = {dict, OrderedDict, defaultdict, Counter, MappingProxyType}
_RECORDS = {
    "collections.ChainMap", "collections.UserDict", "collections.UserList",
    "collections.UserString",
}  # fmt: skip
_ABSOLUTE = re.compile(r"[/\\]|[A-Za-z]:")
_DESCRIPTORS = {WrapperDescriptorType, MethodDescriptorType, ClassMethodDescriptorType}
_GETTERS = {itemgetter, attrgetter, methodcaller}
_WRAPPERS = (staticmethod, classmethod)
_partial: Any = partial.__dict__
# A user class may derive from classes of these modules: they have no state of their own.
_WITHOUT_STATE = {
    "builtins",
    "typing",
    "abc",
    "collections",
    "collections.abc",
    "enum",
    "pydantic.main",
}
# Objects of these classes are in every class, or created by Python: they are not reported.
_QUIET = re.compile(
    r"(builtin_function_or_method|getset_descriptor|member_descriptor|method-wrapper|_abc_data|_tuplegetter|object"
    r"|TypeVar|ParamSpec|TypeVarTuple|_SpecialForm|_SpecialGenericAlias|_AnyMeta|ForwardRef)$"
)


class ValueReader:
    """Reads the values that one function, class or module names.

    Attributes:
        links: The user functions, classes and modules that the values refer to.
        opaque: Values that only their class represents, as "name (module.Class)".
    """

    def __init__(self, file: str = "") -> None:
        """Create a reader.

        Args:
            file: The file of the code; paths near it are written relative to it.
        """
        self.links: list[Any] = []
        self.opaque: list[str] = []
        self._folders = _folders(file) if file else ()
        self._left = 0
        self._within: set[int] = set()

    def text(self, value: Any, label: str, without: Iterable[str] = ()) -> str:
        """Return a value as text, the same for an equal value in every process.

        Args:
            value: Any value.
            label: The name by which the code refers to it.
            without: Attributes to leave out.
        """
        self._left = MOST_VALUES
        self._within.clear()
        self._label = label
        text = self._text(value, 0, frozenset(without))
        if self._left < 0:
            self._note(f"{label} (more than {MOST_VALUES} values)")
        return text

    def _text(self, value: Any, depth: int, without: frozenset[str] = frozenset()) -> str:
        kind = type(value)
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST:
            return "more"
        if is_plain(kind):
            plain = constant(value) or ""
            return self._relative(plain) if kind is str and _ABSOLUTE.match(value) else plain
        if kind in _SEQUENCES or kind in _MAPPINGS:
            return self._collection(value, kind, depth)
        for known in (self._code, self._wrapper, self._type, self._enum):
            text = known(value, kind, depth)
            if text is not None:
                return text
        known_text = constant(value)
        if known_text is not None:
            return self._relative(known_text) if "Path " in known_text else known_text
        return self._instance(value, kind, depth, without)

    # -- collections

    def _collection(self, value: Any, kind: type, depth: int) -> str:
        if id(value) in self._within:
            return "itself"
        self._within.add(id(value))
        try:
            if kind in _MAPPINGS:
                return self._mapping(qualname(kind), value.items(), depth) + (
                    self._text(value.default_factory, depth + 1) if kind is defaultdict else ""
                )
            parts = [self._text(each, depth + 1) for each in self._first(value)]
        finally:
            self._within.discard(id(value))
        parts = sorted(parts) if kind in (set, frozenset) else parts
        return f"{qualname(kind)}({', '.join(parts)}){len(value)}"

    def _first(self, values: Iterable[Any]) -> Iterator[Any]:
        try:
            first = [*islice(values, max(self._left, 0) + 1)]
        except RuntimeError:  # another thread changes it
            first = [*values]
        for each in first:
            if self._left <= 0:
                self._left = -1
                return
            yield each

    def _mapping(self, name: str, pairs: Iterable[tuple[Any, Any]], depth: int) -> str:
        parts = (
            f"{self._text(key, depth + 1)}: {self._text(value, depth + 1)}"
            for key, value in self._first(pairs)
        )
        return f"{name}({', '.join(parts)})"

    # -- callables and wrappers

    def _code(self, value: Any, kind: type, depth: int) -> str | None:
        if kind is FunctionType:
            if is_user_function(value):
                self.links.append(value)
                return f"function {facts(value.__code__).digest}"
            self.search(value)
            # A wrapper in a library has the `__module__` of the user function that it wraps.
            return f"function {value.__globals__.get('__name__')}.{value.__code__.co_qualname}"
        if kind is MethodType:
            called = self._text(value.__func__, depth + 1)
            return f"method {called} of {self._text(value.__self__, depth + 1)}"
        if kind is ModuleType or issubclass(kind, ModuleType):
            if not is_user_module(value):
                return f"module {namespace(value).get('__name__')}"
            self.links.append(value)
            return "module"
        if kind is CodeType:
            return f"code {facts(value).digest}"
        if kind in _DESCRIPTORS:
            return f"function {value.__qualname__}"
        if kind is BuiltinFunctionType:
            of = value.__self__
            if of is None or type(of) is ModuleType or is_class(of):
                return f"function {value.__module__}.{value.__qualname__}"
            return f"{value.__name__} of {self._text(of, depth + 1)}"
        return None

    def _wrapper(self, value: Any, kind: type, depth: int) -> str | None:
        parts: tuple[Any, ...]
        if kind in _WRAPPERS:
            parts = (value.__func__,)
        elif kind is property:
            parts = (value.fget, value.fset, value.fdel)
        elif issubclass(kind, partial):
            parts = tuple(
                _partial[name].__get__(value, kind) for name in ("func", "args", "keywords")
            )
        elif kind in (partialmethod, cached_property, singledispatchmethod):
            found = dictionary(value)
            names = ("func", "args", "keywords", "dispatcher")
            parts = tuple(found[name] for name in names if name in found)
        elif kind in _GETTERS:
            parts = value.__reduce__()[1:]
        elif kind is slice:
            parts = (value.start, value.stop, value.step)
        elif kind is SimpleNamespace:
            return self._mapping("SimpleNamespace", dictionary(value).items(), depth)
        else:
            return None
        return f"{qualname(kind)}({', '.join(self._text(each, depth + 1) for each in parts)})"

    # -- classes and hints

    def _type(self, value: Any, kind: type, depth: int) -> str | None:
        if issubclass(kind, type):
            if is_user_class(value):
                self.links.append(value)
                return f"class {qualname(value)}"
            return f"class {module_of(value)}.{qualname(value)}"
        if kind is GenericAlias or kind is UnionType:
            origin = value.__origin__ if kind is GenericAlias else UnionType
            return self._hint(origin, value.__args__, depth)
        if module_of(kind) == "typing":
            found = dictionary(value)
            if "__origin__" in found:
                parts = (*found.get("__args__", ()), *found.get("__metadata__", ()))
                return self._hint(found["__origin__"], parts, depth)
            name = found.get("_name") or found.get("__forward_arg__") or found.get("__name__")
            return f"{qualname(kind)} {name}"
        return None

    def _hint(self, origin: Any, parts: Iterable[Any], depth: int) -> str:
        inner = ", ".join(self._text(each, depth + 1) for each in parts)
        return f"{self._text(origin, depth + 1)}[{inner}]"

    # -- objects

    def _enum(self, value: Any, kind: type, depth: int) -> str | None:
        if issubclass(kind, Enum):
            found = dictionary(value)
            if is_user_class(kind):
                self.links.append(kind)
            inner = self._text(found.get("_value_"), depth + 1)
            return f"{class_path(kind)}.{found.get('_name_')} {inner}"
        return None

    def _instance(self, value: Any, kind: type, depth: int, without: frozenset[str]) -> str:
        if id(value) in self._within:
            return "itself"
        name = class_path(kind)
        is_user = is_user_class(kind)
        if is_user:
            self.links.append(kind)
        foreign = [
            each
            for each in mro(kind)
            if each is not object
            and module_of(each) not in _WITHOUT_STATE
            and not is_user_class(each)
        ]
        is_record = name in _RECORDS or any(
            "__dataclass_fields__" in members(each) or module_of(each) == "pydantic.main"
            for each in mro(kind)
        )
        is_record = is_record or (issubclass(kind, tuple) and "_fields" in members(kind))
        self._within.add(id(value))
        try:
            if (is_user and not foreign) or is_record:
                return f"a {name}({self._state(value, kind, depth, without)})"
            self.search(value)
        finally:
            self._within.discard(id(value))
        is_wrapper = type(dictionary(value).get("__wrapped__")) is FunctionType
        if not (_QUIET.match(qualname(kind)) or is_wrapper or name.startswith("stackfold.")):
            self._note(f"{self._label} ({module_of(kind)}.{qualname(kind)})")
        return f"a {name}"

    def _state(self, value: Any, kind: type, depth: int, without: frozenset[str]) -> str:
        lazy = {
            name
            for each in mro(kind)
            for name, member in members(each).items()
            if type(member) is cached_property
        }
        state = {
            name: each
            for name, each in attributes(value).items()
            if name not in without and name not in lazy and name != "__pydantic_fields_set__"
        }
        parts = [f"{name}={self._text(each, depth + 1)}" for name, each in sorted(state.items())]
        for base, read in _CONTENTS:
            if issubclass(kind, base):
                inner = [self._text(each, depth + 1) for each in self._first(read(value))]
                parts += sorted(inner) if base in (set, frozenset) else inner
                break
        return ", ".join(parts)

    # -- objects of libraries

    def search(self, value: Any) -> None:
        """Add links to the user functions and classes that an object of a library refers to."""
        seen: dict[int, Any] = {}
        waiting = [(value, 0)]
        while waiting and len(seen) < _MOST_IN_LIBRARIES:
            each, depth = waiting.pop()
            kind = type(each)
            if id(each) in seen or is_plain(kind) or depth > _DEEPEST_IN_LIBRARIES:
                continue
            seen[id(each)] = each
            if kind is FunctionType and is_user_function(each):
                self.links.append(each)
            elif is_class(each):
                if is_user_class(each):
                    self.links.append(each)
            elif is_user_class(kind):
                self.links.append(kind)
            elif module_of(kind).partition(".")[0] not in _NOT_SEARCHED:
                waiting += [(inner, depth + 1) for inner in _contents(each, kind)]

    def _note(self, what: str) -> None:
        if what not in self.opaque:
            self.opaque.append(what)

    def _relative(self, text: str) -> str:
        for up, folder in enumerate(self._folders):
            start = text.find(folder)
            if start >= 0 and (text[start + len(folder) :][:1] in ("", "/", "\\", "'", '"')):
                return f"{text[:start]}<folder {up}>{text[start + len(folder) :]}"
        return text


# Base class → reads the value that an instance contains, past methods that a subclass overrides.
_CONTENTS: tuple[tuple[type, Callable[[Any], Iterable[Any]]], ...] = (
    (dict, dict.items),
    (list, list.__iter__),
    (tuple, tuple.__iter__),
    (set, set.__iter__),
    (frozenset, frozenset.__iter__),
    (str, lambda value: (str.__str__(value)[:],)),
    (bytes, lambda value: (bytes.__add__(value, b""),)),
    (int, lambda value: (int.__add__(value, 0),)),
    (float, lambda value: (float.__add__(value, 0.0),)),
    (BaseException, BaseException.args.__get__),  # type: ignore[attr-defined]
)


def _contents(value: Any, kind: type) -> Iterable[Any]:
    """The objects that an object of a library refers to."""
    if kind in _MAPPINGS:
        return [each for pair in [*islice(value.items(), _MOST_IN_LIBRARIES)] for each in pair]
    if kind in _SEQUENCES:
        return [*islice(value, _MOST_IN_LIBRARIES)]
    if kind is FunctionType:
        cells = []
        for cell in value.__closure__ or ():
            try:
                cells.append(cell.cell_contents)
            except ValueError:  # not assigned yet
                continue
        defaults = (*(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values())
        return [*cells, *defaults, *value.__dict__.values()]
    if kind is MethodType:
        return (value.__func__, value.__self__)
    if kind in _WRAPPERS:
        return (value.__func__,)
    if issubclass(kind, partial):
        return [_partial[name].__get__(value, kind) for name in ("func", "args", "keywords")]
    if kind is ModuleType or kind is BuiltinFunctionType:
        return ()
    found: Mapping[str, Any] = attributes(value)
    if module_of(kind).startswith("stackfold."):  # a step, whose other attributes are caches
        return [found[name] for name in ("__wrapped__", "function") if name in found]
    return found.values()


@lru_cache(maxsize=1000)
def _folders(file: str) -> tuple[str, ...]:
    """The folder of a file and the two above it, but not the root of the file system."""
    parts = re.split(r"(?=[/\\])", file)[:-1]
    found = ["".join(parts[: len(parts) - up]) for up in range(3)]
    return tuple(each for each in found if each and not each.endswith(":"))
