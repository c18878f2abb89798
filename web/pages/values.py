"""Recorded values as short texts, whatever their size."""

import json
from collections.abc import Mapping
from itertools import islice
from typing import Any, NamedTuple

from stackfold.application.runs.run_views import readable

MOST_FACTS = 40
LONGEST = 300
"""The most characters of a value."""
_ELEMENTS = 40
_DEPTH = 4


class Fact(NamedTuple):
    """A name and its value."""

    name: str
    text: str


class Facts(NamedTuple):
    """Names and their values, up to a number."""

    shown: tuple[Fact, ...]
    more: int
    """How many are not shown."""


NO_FACTS = Facts((), 0)


def facts(values: Mapping[str, Any]) -> Facts:
    """The facts of a mapping, in its order."""
    first = islice(values.items(), MOST_FACTS)
    shown = tuple(Fact(name, shown_value(value)) for name, value in first)
    return Facts(shown, max(0, len(values) - MOST_FACTS))


def shown_value(value: Any) -> str:
    """A value as text of a bounded length; large collections are not written out."""
    pruned = _pruned(value, _DEPTH)
    text = pruned if isinstance(pruned, str) else json.dumps(readable(pruned), ensure_ascii=False)
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]}…"
    if isinstance(value, list | tuple | set | frozenset | dict) and len(value) > _ELEMENTS:
        text += f" ({len(value):,} elements)"
    return text


def _pruned(value: Any, depth: int) -> Any:
    """A value of which each collection has few elements, to a depth."""
    match value:
        case str():
            return value[: LONGEST + 1]
        case dict() if type(value) is dict:
            if not depth:
                return "{…}" if value else {}
            first = islice(value.items(), _ELEMENTS)
            return {key: _pruned(each, depth - 1) for key, each in first}
        case list() | tuple() | set() | frozenset() if type(value) in _COLLECTIONS:
            if not depth:
                return "[…]" if value else []
            return [_pruned(each, depth - 1) for each in islice(value, _ELEMENTS)]
    return value


_COLLECTIONS = (list, tuple, set, frozenset)
