"""Colours text on a terminal, unless NO_COLOR is set, and everywhere if FORCE_COLOR is set."""

import os
import sys
from typing import TextIO

BOLD, RED, GREEN, YELLOW, CYAN, DIM = "1", "31", "32", "33", "36", "2"

STATUS = {
    "completed": GREEN,
    "cached": CYAN,
    "running": CYAN,
    "failed": f"{BOLD};{RED}",
    "interrupted": f"{BOLD};{RED}",
    "cancelled": YELLOW,
    "skipped": DIM,
}
"""The status of a run, a step or a deployment → its colour; others have none."""


FINDING = {"ok": GREEN, "warning": YELLOW, "problem": f"{BOLD};{RED}"}
"""The status of a finding → its colour."""


SIDE = {"before": RED, "after": GREEN}
"""The column of a difference → its colour."""


def coloured(text: str, colour: str, stream: TextIO | None = None) -> str:
    """Colour a text that goes to a stream, by default stdout, if colours are wanted there."""
    if not colour or not has_colour(stream or sys.stdout):
        return text
    return f"\033[{colour}m{text}\033[0m"


def has_colour(stream: TextIO) -> bool:
    """Tell whether colours are wanted on a stream."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return os.environ.get("TERM") != "dumb" and stream.isatty()
