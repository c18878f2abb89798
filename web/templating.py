"""Renders templates: a page is a tuple, the template gets it as `page`."""

import hashlib
from collections.abc import Mapping
from datetime import date
from functools import cache
from itertools import groupby
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from stackfold.application.history.views import HistoryEntry
from stackfold.domain.rfc3339 import from_rfc3339
from stackfold.web.drawing.steps import duration
from stackfold.web.pages.words import ago, deed, noun, person, seconds_between, short, value

HERE = Path(__file__).parent
HUES = 12
"""The number of colours of people; `app.css` has a class for each."""
MARKS = {
    "completed": "✓",
    "cached": "↺",
    "failed": "✕",
    "running": "◐",
    "pending": "·",
    "skipped": "»",
    "cancelled": "⊘",
    "interrupted": "!",
    "started": "●",
    "stopped": "■",
    "enabled": "●",
    "paused": "‖",
    "missed": "∅",
    "not started": "✕",
    "unfinished": "◐",
    "ready": "✓",
    "starting": "◐",
    "down": "✕",
    "elsewhere": "↗",
    "unknown": "?",
    "open": "◐",
    "archived": "▫",
    "abandoned": "⊘",
    "passed": "✓",
    "refused": "✕",
    "forced": "!",
}
"""Status → its sign, which is always shown beside the word."""


def environment(assets: Mapping[str, str]) -> Environment:
    """Create the environment of all templates.

    Args:
        assets: The path of a file, such as "static/app.css" → the path with its version.
    """
    # Everything is escaped, also in templates that other templates include.
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals.update(assets=assets, marks=MARKS)
    made.filters.update(
        address=address, ago=ago, bytes=size, by_day=by_day, clock=clock, deed=deed, hue=hue,
        initials=initials, noun=noun,
        person=person, plural=plural, short=short, span=span, value=value,
    )  # fmt: skip
    return made


def address(text: str) -> str:
    """A text as a part of an address, and as the id that the address names."""
    return quote(text, safe="")


def span(started: str, ended: str) -> str:
    """The time between two times, such as "1 min 5 s"."""
    return duration(max(0.0, seconds_between(started, ended)))


def by_day(entries: list[HistoryEntry], now: str) -> list[tuple[str, list[HistoryEntry]]]:
    """Entries by the day of their recording, which is named as people say it."""
    today = from_rfc3339(now).date()
    days = groupby(entries, key=lambda entry: from_rfc3339(entry.when).date())
    return [(_day(day, today), [*group]) for day, group in days]


def clock(when: str) -> str:
    """The hour and minute of a time, UTC."""
    return when[11:16]


def initials(by: str) -> str:
    """Up to two letters that stand for an actor."""
    words = person(by).replace(".", " ").replace("_", " ").replace("-", " ").split()
    return "".join(word[0] for word in words[:2]).upper() or "?"


@cache
def hue(by: str) -> int:
    """The number of the colour of an actor."""
    return hashlib.sha256(by.encode(errors="replace")).digest()[0] % HUES


def plural(count: int, word: str) -> str:
    """A count with its noun."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def size(count: int) -> str:
    """A number of bytes for people to read, such as "1.2 MiB"."""
    number, unit = float(count), "bytes"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if number < 1024:
            break
        number, unit = number / 1024, larger
    return f"{number:,.0f} {unit}" if unit == "bytes" or number >= 10 else f"{number:.1f} {unit}"


def _day(day: date, today: date) -> str:
    days = (today - day).days
    if days in {0, 1}:
        return ("Today", "Yesterday")[days]
    year = "" if 0 <= days < 300 else f" {day.year}"
    return f"{day:%A}, {day.day} {day:%B}{year}"
