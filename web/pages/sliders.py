"""Sliders: the positions of the log at which a page can be seen, with marks at the changes."""

from collections.abc import Sequence
from typing import NamedTuple

from stackfold.application.history.views import HistoryEntry

TRACK = 1000.0
"""The width of the slider's ticks, in units of their picture."""


class Tick(NamedTuple):
    """A change, marked at the slider."""

    entry: HistoryEntry
    x: float
    """Its place, from 0 to `TRACK`."""


class Slider(NamedTuple):
    """The positions that can be chosen."""

    id: str
    """The id of what is shown, if it was renamed; then its name in the address may be another's."""
    first: int
    last: int
    position: int
    ticks: tuple[Tick, ...]
    earlier: int | None
    """The position before the last change up to here; None if there is none."""
    later: int | None
    """The position of the next change; None if there is none."""


def slider(
    kind: str, id: str, marked: Sequence[HistoryEntry], as_of: int | None, head: int
) -> Slider:
    """The slider of a page.

    Args:
        kind: The kind of what is shown, such as "stack".
        id: Its id.
        marked: The changes to mark, newest first.
        as_of: The position of the page; None for now.
        head: The last position of the log.
    """
    position = as_of or head
    first = min(marked[-1].position, position)
    span = max(1, head - first)
    past = [each.position for each in marked if each.position < position]
    future = [each.position for each in marked if each.position > position]
    renamed = len({each.name for each in marked if each.kind == kind}) > 1
    return Slider(
        id=id if renamed else "",
        first=first,
        last=head,
        position=position,
        ticks=tuple(
            Tick(each, round((each.position - first) / span * TRACK, 1)) for each in marked
        ),
        earlier=max(past, default=None),
        later=min(future, default=None),
    )
