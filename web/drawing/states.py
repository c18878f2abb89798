"""The symbols of states: each has a shape of its own, so that none depends on its colour."""

from functools import lru_cache
from typing import NamedTuple

from stackfold.web.drawing.svg import element


class Symbol(NamedTuple):
    """How a state is drawn."""

    colour: str
    """Has a contrast of at least 3 on white and on black."""
    path: str
    """Lines inside of a circle of radius 8 around the origin."""
    filled: bool = True
    """Whether the circle is filled, and the lines are white."""


_SYMBOLS = {
    "completed": Symbol("#2a8f52", "M-3.5 0.5L-1 3L3.5 -2.5"),
    "cached": Symbol("#2a8f52", "M-3.5 0.5L-1 3L3.5 -2.5", filled=False),
    "failed": Symbol("#d3423e", "M-3 -3L3 3M3 -3L-3 3"),
    "interrupted": Symbol("#d3423e", "M0 -4L0 1M0 3.5L0 4", filled=False),
    "cancelled": Symbol("#8a7418", "M-3 3L3 -3"),
    "running": Symbol("#3b78d8", "M-2 -3.5L4 0L-2 3.5Z", filled=False),
    "skipped": Symbol("#7a8089", "M-3.5 0L3.5 0", filled=False),
    "pending": Symbol("#7a8089", "M-3 0L-3 0.1M0 0L0 0.1M3 0L3 0.1", filled=False),
}
_UNKNOWN = Symbol("#7a8089", "", filled=False)


def symbol(state: str) -> Symbol:
    """Return the symbol of a state; states that are not known share one."""
    return _SYMBOLS.get(state, _UNKNOWN)


def css_class(state: str) -> str:
    """Return the CSS class of a state, such as "state-failed"."""
    return f"state-{state if state in _SYMBOLS else 'unknown'}"


@lru_cache
def icon(state: str, x: float, y: float) -> str:
    """Draw the symbol of a state.

    Args:
        state: Such as "completed".
        x: The horizontal position of its centre.
        y: The vertical position of its centre.
    """
    colour, path, filled = symbol(state)
    circle = element(
        "circle", r=8, fill=colour if filled else "none", stroke=colour, stroke_width=1.5
    )
    lines = element(
        "path", d=path, fill="none", stroke="#fff" if filled else colour, stroke_width=1.8,
        stroke_linecap="round", stroke_linejoin="round",
    )  # fmt: skip
    return element(
        "g", circle, lines if path else "", class_="icon", transform=f"translate({x:g} {y:g})"
    )
