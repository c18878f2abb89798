"""Escapes text for terminals, spreadsheets and JSON."""

import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any

_BIDI = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
"""Characters that change the display order of the characters around them."""
_BREAKS = (0x2028, 0x2029)

_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}
_CONTROLS |= {code: f"\\u{code:04x}" for code in (*_BIDI, *_BREAKS)}
_CONTROLS |= {9: "\\t", 10: "\\n", 13: "\\r"}
_BUT_LAYOUT = {code: escape for code, escape in _CONTROLS.items() if code not in (9, 10)}

_UNSAFE = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Characters that JSON allows unescaped, but terminals interpret."""

_COLOUR = re.compile("(\x1b\\[[0-9;:]*m)")
_FORMULA = re.compile(r"[=+\-@\t\r\n]")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


def escaped(text: str) -> str:
    """Escape all control characters, so that the text is one harmless line."""
    return text.translate(_CONTROLS)


def escaped_lines(text: str) -> str:
    """Escape all control characters but newlines and tabs."""
    return text.translate(_BUT_LAYOUT)


def escaped_output(pieces: Iterable[str]) -> Iterator[str]:
    """The output of programs: unchanged, or on a terminal with all but colour codes escaped.

    On a terminal a carriage return, as progress bars print it, becomes a newline.
    """
    if not sys.stdout.isatty():
        yield from pieces
        return
    rest = ""
    for piece in pieces:
        rest += piece
        # A piece may end within a colour code; a line does not.
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
    """Format a value as JSON, with control characters as JSON escapes."""
    import json

    text = json.dumps(data, indent=indent, ensure_ascii=False)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def escape_formula(text: str) -> str:
    """Escape a CSV cell so that no spreadsheet evaluates it as a formula.

    Numbers are unchanged; other text that could be a formula gets a leading apostrophe.
    """
    if _FORMULA.match(text) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text
