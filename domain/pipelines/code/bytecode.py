"""Bytecode: the digest of a code object, and the global names and imports that it uses.

A global name is followed by the attributes that are read from it: `pkg.mod.f` is one path. The
opcodes are those of Python 3.11 to 3.13; unknown ones are skipped.
"""

import dis
import hashlib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import CodeType
from typing import Any, NamedTuple


class Import(NamedTuple):
    """A module that is imported in a function."""

    level: int
    """The number of dots before the name; 0 for an absolute import."""
    name: str


Root = str | Import
Path = tuple[Any, ...]
"""A `Root` and the attributes that are read from it, as in `pkg.mod.f`."""


class CodeFacts(NamedTuple):
    """The facts about a code object and the code objects in it."""

    digest: str
    """sha256 of its instructions and constants, without file names and line numbers."""
    named: tuple[Path, ...]
    """The paths that it uses."""
    assigned: frozenset[Path]
    """The paths that it changes while it runs: by `global`, `append`, `[...] =`, `.x =`."""
    unresolved: tuple[str, ...]
    """Calls that may reach code which cannot be determined statically, such as `eval()`."""


_CHANGING = frozenset(
    [
        "add",
        "append",
        "appendleft",
        "clear",
        "difference_update",
        "discard",
        "extend",
        "extendleft",
        "insert",
        "intersection_update",
        "pop",
        "popitem",
        "popleft",
        "remove",
        "reverse",
        "rotate",
        "setdefault",
        "sort",
        "symmetric_difference_update",
        "update",
        "write",
    ]
)
"""Methods that change a collection."""
_ANY_CODE = frozenset({"eval", "exec", "globals"})

_KINDS = {
    "LOAD_GLOBAL": "global",
    "LOAD_NAME": "global",
    "LOAD_FROM_DICT_OR_GLOBALS": "global",
    "LOAD_ATTR": "attribute",
    "LOAD_METHOD": "attribute",
    "LOAD_FAST": "local",
    "LOAD_FAST_CHECK": "local",
    "LOAD_FAST_BORROW": "local",
    "LOAD_DEREF": "local",
    "LOAD_CLASSDEREF": "local",
    "LOAD_FROM_DICT_OR_DEREF": "local",
    "STORE_FAST": "store",
    "STORE_DEREF": "store",
    "STORE_NAME": "store name",
    "STORE_GLOBAL": "store global",
    "STORE_ATTR": "store attribute",
    "STORE_SUBSCR": "store item",
    "DELETE_SUBSCR": "store item",
    "BINARY_SUBSCR": "item",
    "LOAD_CONST": "constant",
    "IMPORT_NAME": "import",
    "IMPORT_FROM": "from",
    "COPY": "copy",
}
_PAIRS = {
    "LOAD_FAST_LOAD_FAST": ("local", "local"),
    "LOAD_FAST_BORROW_LOAD_FAST_BORROW": ("local", "local"),
    "STORE_FAST_LOAD_FAST": ("store", "local"),
    "STORE_FAST_STORE_FAST": ("store", "store"),
}
# Instructions that may occur between a name and its attribute.
_NOTHING = {
    "CACHE", "COPY_FREE_VARS", "EXTENDED_ARG", "KW_NAMES", "MAKE_CELL", "NOP", "POP_TOP", "PRECALL",
    "PUSH_NULL", "RESUME", "SWAP",
}  # fmt: skip
_OPCODES = {
    number: (name, _KINDS.get(name, "other")) for name, number in dis.opmap.items() if number < 256
}
# Up to 3.11, LOAD_METHOD is a separate opcode; since 3.12, the lowest bit of the operand marks it.
_ATTRIBUTE_SHIFT = 0 if dis.opmap.get("LOAD_METHOD", 256) < 256 else 1


@lru_cache(maxsize=2**14)
def facts(code: CodeType) -> CodeFacts:
    """Return the facts about a code object; cached, because code objects are immutable."""
    found = _Found()
    found.read(code, {})
    named = sorted(found.named, key=repr)
    text = _text(code).encode(errors="backslashreplace")
    return CodeFacts(
        hashlib.sha256(text).hexdigest(),
        tuple(named),
        frozenset(found.assigned),
        tuple(sorted(found.unresolved)),
    )


def _text(code: CodeType) -> str:
    parts = (
        code.co_code.hex(),
        code.co_exceptiontable.hex(),
        code.co_flags,
        code.co_argcount,
        code.co_kwonlyargcount,
        code.co_names,
        code.co_varnames,
        code.co_freevars,
        code.co_cellvars,
    )
    return f"{parts} {[_constant(each) for each in code.co_consts]}"


def _constant(value: Any) -> str:
    """A constant of a code object as text."""
    if isinstance(value, CodeType):
        return _text(value)
    if isinstance(value, tuple):
        return f"({', '.join(map(_constant, value))})"
    if isinstance(value, frozenset):
        return f"frozenset({', '.join(sorted(map(_constant, value)))})"
    return f"{type(value).__name__} {value!r}"


def _operations(code: CodeType) -> Iterator[tuple[str, Any]]:
    """The kind and operand of each instruction that is not in `_NOTHING`."""
    raw, extended = code.co_code, 0
    names, constants = code.co_names, code.co_consts
    local: Any = code._varname_from_oparg  # type: ignore[attr-defined]
    cells = frozenset(code.co_cellvars)
    for at in range(0, len(raw), 2):
        name, kind = _OPCODES.get(raw[at], ("", "other"))
        operand = raw[at + 1] | extended
        extended = operand << 8 if name == "EXTENDED_ARG" else 0
        if name in _NOTHING:
            continue
        if name in _PAIRS:
            first, second = _PAIRS[name]
            yield first, local(operand >> 4)
            yield second, local(operand & 15)
        elif kind == "global":
            yield kind, names[operand >> 1 if name == "LOAD_GLOBAL" else operand]
        elif kind == "attribute":
            yield kind, names[operand >> _ATTRIBUTE_SHIFT]
        elif name == "LOAD_FAST" and local(operand) in cells:
            yield "other", operand  # since 3.13, loads the cell, not its value
        elif kind in ("local", "store"):
            yield kind, local(operand)
        elif kind == "constant":
            yield kind, constants[operand]
        elif kind in ("store name", "store global", "store attribute", "import", "from"):
            yield kind, names[operand]
        else:
            yield kind, operand


class _Found:
    """Collects the facts about a code object and the code objects in it."""

    def __init__(self) -> None:
        self.named: set[Path] = set()
        self.assigned: set[Path] = set()
        self.unresolved: set[str] = set()

    def read(self, code: CodeType, aliases: Mapping[str, set[Path]]) -> None:
        """Read a code object.

        Args:
            code: The code object.
            aliases: Variable of an enclosing function → the paths that it may refer to.
        """
        operations = [*_operations(code)]
        known = {name: set(paths) for name, paths in aliases.items()}
        # Twice: in a loop, a variable may be used in a line before the one that assigns it.
        self._follow(operations, known, {})
        self._follow(operations, known, known)
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                inner = {name: known[name] for name in constant.co_freevars if name in known}
                self.read(constant, inner)

    def _follow(  # noqa: PLR0912  # one case for each kind
        self,
        operations: list[tuple[str, Any]],
        aliases: dict[str, set[Path]],
        used: Mapping[str, set[Path]],
    ) -> None:
        current: list[Path] = []
        module: Path = ()
        for at, (kind, value) in enumerate(operations):
            if kind == "attribute":
                current = [self._attribute(path, value) for path in current]
                if at and operations[at - 1][0] == "copy":  # x.a += 1
                    self.assigned.update(path for path in current if len(path) > 1)
            elif kind == "from":
                current = [(*path, value) for path in ([module] if module else current)]
            elif kind in ("store", "store name"):
                for path in current:
                    aliases.setdefault(value, set()).add(path)
                if kind == "store name":
                    self.named.update(current)
                current = []
            elif kind == "copy":
                continue
            else:
                if kind == "store attribute":
                    self.assigned.update((*path, value) for path in current)
                self._name(current, kind, value)
                current = []
                if kind == "global":
                    current = [(value,)]
                    if _changes_item(operations, at):
                        self.assigned.add((value,))
                elif kind == "local":
                    current = [*used.get(value, ())]
                elif kind == "store global":
                    self.assigned.add((value,))
                elif kind == "import":
                    level, taken = operations[at - 2][1], operations[at - 1][1]
                    # `import a.b` gives the name `a`, `from a.b import c` takes from `a.b`.
                    whole = Import(level, value if taken else value.partition(".")[0])
                    module, current = ((whole,), []) if taken else ((), [(whole,)])
                    if taken == ("*",):
                        self.named.add(module)
        self._name(current, "other", None)

    def _attribute(self, path: Path, name: str) -> Path:
        if name in _CHANGING and isinstance(path[0], str):
            self.assigned.add(path)
            self.named.add(path)
        return (*path, name)

    def _name(self, paths: list[Path], kind: str, value: Any) -> None:
        """Record the paths on the stack when an instruction follows that ends them."""
        for path in paths:
            self.named.add(path)
            if path[-1] == "import_module" or path == ("__import__",):
                if kind == "constant" and isinstance(value, str):
                    bare = value.lstrip(".")
                    self.named.add((Import(len(value) - len(bare), bare),))
                else:
                    self.unresolved.add(f"{path[-1]}()")
            elif path[0] in _ANY_CODE and len(path) == 1:
                self.unresolved.add(f"{path[0]}()")


def _changes_item(operations: list[tuple[str, Any]], at: int) -> bool:
    """Whether `x[key] = …`, `x[key] += …` or `del x[key]` follows, where `key` is one operand."""
    kinds = [kind for kind, _ in operations[at + 1 : at + 5]]
    if kinds[:1] not in (["local"], ["constant"], ["global"]):
        return False
    return kinds[1:2] == ["store item"] or kinds[1:4] == ["copy", "copy", "item"]
