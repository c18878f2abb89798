"""Recorded values, times and names as people read them."""

import json
from typing import Any

from stackfold.domain.rfc3339 import from_rfc3339

_DEEDS = {
    "gate set": "changed a gate of",
    "promotion refused": "was refused a promotion of",
    "passed": "started no run of",
    "alias set": "set an alias of",
    "alias removed": "removed an alias of",
}
"""Action of the log → the same as a verb."""


def ago(when: str, now: str) -> str:
    """The time between two times, such as "3 h ago"."""
    seconds = seconds_between(when, now)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return "just now"


def person(by: str) -> str:
    """The name of an actor without the domain of an address."""
    return by.partition("@")[0] or by or "unknown"


def noun(kind: str) -> str:
    """A kind of the log as two words, such as "artifact store"."""
    return kind.replace("_", " ")


def value(given: Any) -> str:
    """A recorded value as people read it."""
    if given is None:
        return "—"
    if isinstance(given, str):
        return given
    return json.dumps(given, ensure_ascii=False, default=str)


def short(given: Any, most: int = 60) -> str:
    """A recorded value, cut to a number of characters."""
    text = value(given)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def deed(action: str) -> str:
    """What was done as it is read before what it was done to, such as "registered"."""
    return _DEEDS.get(action, action)


def seconds_between(one: str, other: str) -> float:
    """The seconds between two times."""
    return (from_rfc3339(other) - from_rfc3339(one)).total_seconds()
