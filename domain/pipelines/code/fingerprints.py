"""Fingerprints of functions: one walk over all user code that a function reaches."""

import hashlib
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any, NamedTuple

from stackfold.domain.pipelines.code.constants import is_plain
from stackfold.domain.pipelines.code.imports import Imports
from stackfold.domain.pipelines.code.parts import Known, Part, part
from stackfold.domain.pipelines.code.source_module import NoSources, Sources
from stackfold.domain.pipelines.code.user_code import (
    is_class,
    is_user_class,
    is_user_module,
    loaded_module,
    members,
    namespace,
)
from stackfold.domain.pipelines.code.value_reader import ValueReader

FORM = 2
"""The version of fingerprints; those of different versions cannot be compared."""
MOST_PARTS = 10_000
"""The maximum number of functions, classes and modules in a fingerprint; others are left out."""
_MOST_OPAQUE = 20


class Fingerprint(NamedTuple):
    """The fingerprint of the code of a function."""

    digest: str
    """sha256 in hexadecimal."""
    opaque: tuple[str, ...] = ()
    """Values that only their class represents, as "name (module.Class)"."""


class CodeFingerprints:
    """Computes fingerprints of functions, and caches what it reads: use one per run.

    A fingerprint covers the bytecode and constants of a function, the values in its closure, and
    the functions, classes and constants that it names or imports, recursively, as far as they are
    user code: neither the standard library nor installed packages. It is computed from bytecode
    because that is what is executed, even if the source has changed since; comments and layout
    have no effect. No user code is imported or called.
    """

    def __init__(self, sources: Sources | None = None) -> None:
        """Create an empty cache.

        Args:
            sources: Finds the files of modules; None if modules that are not loaded are ignored.
        """
        self._imports = Imports(sources or NoSources())
        self._parts: dict[tuple[int, bool], Part] = {}
        self._known: Known = {}
        self._links: dict[int, tuple[Part, tuple[Part, ...]]] = {}

    def digest(self, function: Callable[..., Any]) -> str:
        """Return the digest of the fingerprint of a function."""
        return self.fingerprint(function).digest

    def fingerprint(self, function: Callable[..., Any], also: Iterable[Any] = ()) -> Fingerprint:
        """Return the fingerprint of a function.

        Args:
            function: The function; its default values are parameters of the step and left out.
            also: Further classes and functions to include; see `met`.
        """
        root = self._root(function)
        reached = {id(root.owner): root}
        waiting = [each for each in self._parts_of(also) if each.owner is not root.owner]
        reached |= {id(each.owner): each for each in waiting}
        waiting.append(root)
        while waiting and len(reached) < MOST_PARTS:
            each = waiting.pop()
            for linked in self._linked(each):
                if id(linked.owner) not in reached:
                    reached[id(linked.owner)] = linked
                    waiting.append(linked)
        opaque = {name: None for each in reached.values() if each.opaque for name in each.opaque}
        if waiting:
            opaque = {f"more than {MOST_PARTS} functions and classes": None, **opaque}
        hashed = hashlib.sha256(_combined(root, reached).encode())
        return Fingerprint(hashed.hexdigest(), tuple(opaque)[:_MOST_OPAQUE])

    def met(self, hints: Iterable[Any], values: Iterable[Any]) -> tuple[Any, ...]:
        """Return user classes and functions in type hints, and in values or as their classes."""
        reader = ValueReader()
        for each in (*hints, *values):
            if not is_plain(type(each)):
                reader.text(each, "")
        return tuple({id(each): each for each in reader.links}.values())

    def of_class(self, name: str, near: Callable[..., Any]) -> str:
        """Return the digest of a class; empty if it is not user code, or was not found.

        Args:
            name: The recorded name, as "module.Class"; the module may have been a script.
            near: A function whose module is searched if the class is not found by its name.
        """
        top = name.partition(".")[0]
        loaded = loaded_module(top)
        if "<" in name or (loaded is not None and not is_user_module(loaded)):
            return ""
        if top != "__main__":
            found = self._imports.code_of(name)
            if found:
                return found
        kind = _class_named(name) or _member(getattr(near, "__globals__", {}), name.split(".")[-1:])
        return self.fingerprint(_nothing, [kind]).digest if kind else ""

    def _root(self, function: Callable[..., Any]) -> Part:
        if type(function) is FunctionType:
            return self._part(function, False)
        reader = ValueReader()
        text = reader.text(function, "step")
        lines = ((None, text),)
        return Part(text, lines, tuple(reader.links), frozenset(), (), function)

    def _part(self, of: Any, with_defaults: bool) -> Part:
        key = id(of), with_defaults
        found = self._parts.get(key)
        if found is None:
            found = self._parts[key] = part(of, self._imports, self._known, with_defaults)
        return found

    def _parts_of(self, all: Iterable[Any]) -> tuple[Part, ...]:
        return tuple(self._part(each, True) for each in all)

    def _linked(self, to: Part) -> tuple[Part, ...]:
        found = self._links.get(id(to))
        if found is None:
            found = self._links[id(to)] = (to, self._parts_of(to.links))
        return found[1]


def _combined(root: Part, reached: dict[int, Part]) -> str:
    assigned = frozenset().union(*[each.assigned for each in reached.values() if each.assigned])
    if assigned:
        digests = {each.digest_without(assigned) for each in reached.values()}
        return f"{FORM} {root.digest_without(assigned)} {sorted(digests)}"
    digests = {each.digest for each in reached.values()}
    return f"{FORM} {root.digest} {sorted(digests)}"


def _nothing() -> None:
    """Stand in for a step, where the fingerprint of a class is computed."""


def _class_named(name: str) -> type | None:
    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        loaded = loaded_module(".".join(parts[:length]))
        found = _member(namespace(loaded), parts[length:]) if loaded else None
        if found is not None:
            return found
    return None


def _member(space: Any, names: list[str]) -> type | None:
    found: Any = None
    for name in names:
        found = space.get(name)
        if not is_class(found):
            return None
        space = members(found)
    return found if found is not None and is_user_class(found) else None
