"""Searches the events of the log for a text."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from stackfold.application.history.views import SEARCHED
from stackfold.infrastructure.queries.log_entries import EventRow, state_of
from stackfold.infrastructure.queries.text import normal

_NOT_SEARCHED = {"class_version", "originator_topic", "timestamp", "undoes"}
"""The fields of events that users neither give nor see."""


def found_in(pages: Iterable[list[EventRow]], text: str) -> Iterator[list[EventRow]]:
    """The events of each page that contain a text, in any case; at most `SEARCHED` are read."""
    wanted = normal(text).casefold()
    # In most events the text is not found in their JSON, which then is not parsed.
    in_json = json.dumps(wanted, ensure_ascii=False)[1:-1]
    read = 0
    for page in pages:
        events = page[: SEARCHED - read]
        read += len(events)
        yield [event for event in events if _contains(event, wanted, in_json)]
        if read >= SEARCHED:
            return


def _contains(event: EventRow, wanted: str, in_json: str) -> bool:
    if event.name is not None and wanted in event.name.casefold():
        return True
    if in_json not in event.state.decode(errors="replace").casefold():
        return False
    fields = state_of(event)
    return any(_mentions(fields[each], wanted) for each in fields if each not in _NOT_SEARCHED)


def _mentions(value: Any, wanted: str) -> bool:
    """Whether a JSON value, or a value or key in it, contains a text."""
    if isinstance(value, dict):
        return any(wanted in key.casefold() or _mentions(value[key], wanted) for key in value)
    if isinstance(value, list):
        return any(_mentions(each, wanted) for each in value)
    return wanted in (value if isinstance(value, str) else json.dumps(value)).casefold()
