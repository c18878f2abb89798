"""Digests of functions: one walk over everything of the user's own that they reach."""

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
"""How digests are made; those of another form cannot be compared with them."""
MOST_PARTS = 10_000
"""So many functions, classes and modules are looked at; what lies behind them does not count."""
_MOST_OPAQUE = 20


class Fingerprint(NamedTuple):
    """What is known of the code of a function."""

    digest: str
    """sha256 in hexadecimal."""
    opaque: tuple[str, ...] = ()
    """What counts by its class alone, as "name (module.Class)"."""


class CodeFingerprints:
    """Digests of functions, for one moment: what was looked at is not looked at again.

    A digest covers the function's byte code and constants, the values that it encloses, and the
    functions, classes and constants that it names or imports, and so on, as far as they are the
    user's own: not the standard library's, and not those of installed packages. It is of byte code
    and not of source because only that is what will be executed, wherever the source is by now; so
    comments and layout do not count. Nothing of the user's is imported or called for it.
    """

    def __init__(self, sources: Sources | None = None) -> None:
        """Nothing was looked at yet; what is not imported yet is read by `sources`."""
        self._imports = Imports(sources or NoSources())
        self._parts: dict[tuple[int, bool], Part] = {}
        self._known: Known = {}
        self._links: dict[int, tuple[Part, tuple[Part, ...]]] = {}

    def digest(self, function: Callable[..., Any]) -> str:
        """sha256 in hexadecimal.

        The function's own default values are left out: they are parameters of the step.
        """
        return self.fingerprint(function).digest

    def fingerprint(self, function: Callable[..., Any], also: Iterable[Any] = ()) -> Fingerprint:
        """The digest of a function, and of classes and functions that it meets as values.

        Args:
            function: Which one; its own default values are parameters, and are left out.
            also: Classes and functions; see `met`.
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
        """The user's own classes and functions in type hints, and the classes of values."""
        reading = ValueReader()
        for each in (*hints, *values):
            if not is_plain(type(each)):
                reading.text(each, "")
        return tuple({id(each): each for each in reading.links}.values())

    def of_class(self, name: str, near: Callable[..., Any]) -> str:
        """The digest of the user's own class with the recorded name "module.Class".

        Empty if it is none of the user's own, or cannot be found.

        Args:
            name: What was recorded, where the class may have been that of a script.
            near: A function in whose module it is looked for then.
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
        reading = ValueReader()
        text = reading.text(function, "step")
        lines = ((None, text),)
        return Part(text, lines, tuple(reading.links), frozenset(), (), function)

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
    """Stand in for a step where only a class is asked for."""


def _class_named(name: str) -> type | None:
    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        loaded = loaded_module(".".join(parts[:length]))
        found = _member(namespace(loaded), parts[length:]) if loaded else None
        if found is not None:
            return found
    return None


def _member(held: Any, names: list[str]) -> type | None:
    found: Any = None
    for name in names:
        found = held.get(name)
        if not is_class(found):
            return None
        held = members(found)
    return found if found is not None and is_user_class(found) else None
