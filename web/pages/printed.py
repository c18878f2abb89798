"""What a step printed and logged: the end of it, as text that a page can show."""

import re
from collections.abc import Iterable
from functools import partial
from typing import NamedTuple

from stackfold.application.runs.run_views import StepView
from stackfold.domain.errors import StackfoldError
from stackfold.infrastructure.workspace import Workspace
from stackfold.web.drawing.svg import visible
from stackfold.web.pages.limited import answers

MOST_LINES = 200
MOST_CHARACTERS = 32_768
LARGEST = 16 * 1024**2
"""The most bytes of a text that is read to show its end."""
SECONDS = 3.0
"""How long a page waits for an artifact store."""

_TERMINAL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?")
"""What moves the cursor or colours the text of a terminal."""


class Printed(NamedTuple):
    """The end of a text."""

    text: str = ""
    earlier: int = 0
    """How many lines before it are not shown."""
    problem: str = ""
    """Why there is no text; empty if it could be read."""


def printed(workspace: Workspace, run: str, step: StepView) -> Printed:
    """Read the end of what a step printed, of a running one what it has printed so far.

    A store that does not answer in time does not hold the page.

    Args:
        workspace: Has the run.
        run: The id of the run.
        step: The step.
    """
    if not step.log and step.status not in {"running", "pending"}:
        return Printed()
    if step.log and step.log["size"] > LARGEST:
        return Printed(problem=f"The text has {step.log['size']:,} bytes, too many for a page.")
    found = answers({"text": partial(_read, workspace, run, step.name)}, SECONDS)
    slow = Printed(problem=f"The artifact store did not answer within {SECONDS:g} s.")
    return found.get("text", slow)


def _read(workspace: Workspace, run: str, step: str) -> Printed:
    try:
        return end_of(workspace.runs.logs(run, step))
    except StackfoldError as error:
        return Printed(problem=f"The text cannot be read: {error}")
    except Exception as error:  # of a custom flavor
        return Printed(problem=f"The text cannot be read: unexpected {type(error).__name__}")


def end_of(pieces: Iterable[str]) -> Printed:
    """The end of a text, as a terminal would show it after the last character.

    Args:
        pieces: The text; only its last characters are kept in memory.
    """
    rest, dropped = "", 0
    for piece in pieces:
        rest += piece
        if len(rest) > 4 * MOST_CHARACTERS:
            cut, rest = rest[:-MOST_CHARACTERS], rest[-MOST_CHARACTERS:]
            dropped += cut.count("\n")
    if len(rest) > MOST_CHARACTERS:
        cut, rest = rest[:-MOST_CHARACTERS], rest[-MOST_CHARACTERS:]
        dropped += cut.count("\n")
    lines = rest.removesuffix("\n").split("\n") if rest else []
    shown = lines[-MOST_LINES:]
    text = "\n".join(visible(_overwritten(line)) for line in shown)
    return Printed(text, dropped + len(lines) - len(shown))


def _overwritten(line: str) -> str:
    """What remains of a line whose beginning was overwritten after a carriage return."""
    return _TERMINAL.sub("", line).rstrip("\r").rpartition("\r")[2]
