"""Text that no terminal obeys, and no spreadsheet runs; JSON whose parsed text is as it was."""

import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any

_BIDI = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
"""Characters that change the order in which others are shown, so that text reads otherwise."""
_BREAKS = (0x2028, 0x2029)

_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}
_CONTROLS |= {code: f"\\u{code:04x}" for code in (*_BIDI, *_BREAKS)}
_CONTROLS |= {9: "\\t", 10: "\\n", 13: "\\r"}
_BUT_LAYOUT = {code: escape for code, escape in _CONTROLS.items() if code not in (9, 10)}

_UNSAFE = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What JSON may hold as it is, though terminals obey it."""

_COLOUR = re.compile("(\x1b\\[[0-9;:]*m)")
_FORMULA = re.compile(r"[=+\-@\t\r\n]")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


def shown(text: str) -> str:
    """Text in one line, in which what a terminal would obey is told by its code."""
    return text.translate(_CONTROLS)


def shown_lines(text: str) -> str:
    """The same for text of several lines, with tabs."""
    return text.translate(_BUT_LAYOUT)


def shown_log(pieces: Iterable[str]) -> Iterator[str]:
    """What programs printed: exactly, or on a terminal with nothing obeyed but colours.

    There a carriage return, by which progress bars write over themselves, begins a new line.
    """
    if not sys.stdout.isatty():
        yield from pieces
        return
    rest = ""
    for piece in pieces:
        rest += piece
        # Colours may be cut in two where pieces end, but never where lines do.
        whole, newline, rest = rest.rpartition("\n")
        yield _coloured(whole + newline)
        if len(rest) > _LONGEST:
            yield _coloured(rest)
            rest = ""
    yield _coloured(rest)


_LONGEST = 65536


def _coloured(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    parts = _COLOUR.split(text)
    return "".join(
        part if number % 2 else part.translate(_BUT_LAYOUT) for number, part in enumerate(parts)
    )


def json_text(data: Any, indent: int | None = None) -> str:
    """A value as JSON; what terminals obey stands in it as JSON's own escapes."""
    import json

    text = json.dumps(data, indent=indent, ensure_ascii=False)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def harmless(text: str) -> str:
    """A text as a cell of CSV, such that no spreadsheet takes it for a formula.

    Numbers stay as they are; of other text that could be one, an apostrophe comes first.
    """
    if _FORMULA.match(text) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text
