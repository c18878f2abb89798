"""Parts of what notebooks show, as HTML."""

from collections.abc import Sequence
from typing import Any

from stackfold.web.drawing.states import icon
from stackfold.web.drawing.svg import shortened, text

STYLE = (
    "<style>.stackfold{font-family:system-ui,sans-serif;font-size:13px}"
    ".stackfold svg{vertical-align:middle}.stackfold .scroll{overflow-x:auto}"
    ".stackfold table{border-collapse:collapse;"
    "margin:.6em 0;font-size:13px}"
    ".stackfold th,.stackfold td{text-align:left;vertical-align:top;padding:.25em .8em}"
    ".stackfold td{white-space:pre-wrap;overflow-wrap:anywhere}</style>"
)
LONGEST = 200
"""The number of columns that a value may take; the full value is in the object."""
MOST_ROWS = 100


class State(str):
    """The name of a state, which is shown with its symbol."""

    __slots__ = ()


def page(*parts: str) -> str:
    """Return parts as one piece of HTML, with its style."""
    return f'{STYLE}<div class="stackfold">{"".join(parts)}</div>'


def heading(name: str, more: str = "") -> str:
    """Return a line with a name in bold and more about it."""
    return f"<p><strong>{text(name)}</strong> {text(more)}</p>"


def paragraph(words: str) -> str:
    """Return a paragraph; nothing for an empty text."""
    return f"<p>{text(words)}</p>" if words else ""


def table(titles: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return a table without the columns that are empty in all rows; nothing without rows."""
    used = [at for at in range(len(titles)) if any(row[at] not in ("", None) for row in rows)]
    if not used:
        return ""
    head = "".join(f'<th scope="col">{text(titles[at])}</th>' for at in used)
    if not any(titles):
        head = ""
    body = "".join(
        f"<tr>{''.join(f'<td>{cell(row[at])}</td>' for at in used)}</tr>"
        for row in rows[:MOST_ROWS]
    )
    more = len(rows) - MOST_ROWS
    rest = paragraph(f"… and {more} more") if more > 0 else ""
    heading = f"<thead><tr>{head}</tr></thead>" if head else ""
    return f'<div class="scroll"><table>{heading}<tbody>{body}</tbody></table></div>{rest}'


def cell(value: Any) -> str:
    """Return a value as the content of a cell."""
    if isinstance(value, State):
        drawn = icon(value, 9, 9)
        return f'<svg width="18" height="18" aria-hidden="true">{drawn}</svg> {text(value)}'
    return "<br>".join(text(short(line)) for line in str(plain(value)).splitlines()) or ""


def short(value: Any) -> str:
    """Return a value as a text of a bounded length."""
    return shortened(str(plain(value)), LONGEST)


def plain(value: Any) -> Any:
    """Return a value, or an empty text for None."""
    return "" if value is None else value
