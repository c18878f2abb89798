"""A strip of runs, one cell each, with marks where the stack changed, as SVG."""

from collections.abc import Sequence
from typing import NamedTuple

from stackfold.web.drawing.states import css_class, symbol
from stackfold.web.drawing.svg import element, linked, picture, title

PITCH, CELL = 24.0, 20.0  # WCAG 2.2 asks for 24 pixels between the middles of targets
TOP, HEIGHT = 24.0, 28.0
EDGE = PITCH / 2


class Cell(NamedTuple):
    """A run in a strip."""

    title: str
    """Its name and what else is to be known, shown as a tooltip."""
    status: str
    link: str | None = None


class Mark(NamedTuple):
    """One or more changes between two runs."""

    before: int
    """The index of the run that followed; the number of runs if none did."""
    title: str
    link: str | None = None


def draw_strip(
    cells: Sequence[Cell], marks: Sequence[Mark] = (), *, label: str, slots: int = 28
) -> str:
    """Draw a strip whose newest run is at its right end.

    Args:
        cells: Runs, oldest first; only the last ones are drawn if they exceed the slots.
        marks: Changes in any order; marks between the same runs become one.
        label: What the strip shows, for screen readers.
        slots: The number of cells that fit.
    """
    omitted = max(0, len(cells) - slots)
    start = slots - (len(cells) - omitted)
    content = [_empty(slot) for slot in range(start)]
    content += [_cell(cell, start + at) for at, cell in enumerate(cells[omitted:])]
    for before, (text, link) in sorted(_together(marks).items()):
        if omitted <= before <= len(cells):
            content.append(_mark(text, link, EDGE + (start + before - omitted) * PITCH))
    links = [*(each.link for each in cells), *(each.link for each in marks)]
    return picture(
        "".join(content),
        width=2 * EDGE + slots * PITCH,
        height=TOP + HEIGHT,
        label=label,
        kind="strip",
        interactive=any(link is not None for link in links),
    )


def _together(marks: Sequence[Mark]) -> dict[int, tuple[str, str | None]]:
    """Join the titles of marks between the same runs; the link is that of the last one."""
    joined: dict[int, tuple[str, str | None]] = {}
    for mark in marks:
        earlier, link = joined.get(mark.before, ("", None))
        text = f"{earlier}\n{mark.title}" if earlier else mark.title
        joined[mark.before] = text, link if mark.link is None else mark.link
    return joined


def _empty(slot: int) -> str:
    x, y = EDGE + (slot + 0.5) * PITCH, TOP + HEIGHT / 2
    return element("circle", class_="empty", cx=x, cy=y, r=1.5, fill="currentColor",
                   fill_opacity="0.3")  # fmt: skip


def _cell(cell: Cell, slot: int) -> str:
    colour, path, filled = symbol(cell.status)
    x = EDGE + slot * PITCH + (PITCH - CELL) / 2
    return linked(
        cell.link,
        title(cell.title),
        element(
            "rect", x=1, y=1, width=CELL - 2, height=HEIGHT - 2, rx=4, stroke=colour,
            fill=colour if filled else "none", stroke_width=1.5, pointer_events="all",
        ),
        # A plain bar is a completed run: what differs is to be seen first.
        element(
            "path", d=path, fill="none", stroke="#fff" if filled else colour, stroke_width=1.8,
            stroke_linecap="round", transform=f"translate({CELL / 2:g} {HEIGHT / 2:g})",
        ) if path and cell.status != "completed" else "",
        class_=f"run {css_class(cell.status)}",
        transform=f"translate({x:g} {TOP:g})",
    )  # fmt: skip


def _mark(text: str, link: str | None, x: float) -> str:
    return linked(
        link,
        title(text),
        element("rect", x=-12, width=24, height=TOP, fill="none", pointer_events="all"),
        element("path", d="M0 5L7 12L0 19L-7 12Z", fill="currentColor"),
        element("path", d=f"M0 {TOP - 5:g}V{TOP + HEIGHT:g}", stroke="currentColor",
                stroke_dasharray="3 2", stroke_width=1.2),
        class_="change",
        transform=f"translate({x:g} 0)",
    )  # fmt: skip
