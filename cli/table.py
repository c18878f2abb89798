"""Formats tables: fitted to the terminal, or without truncation elsewhere."""

import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import Any

from stackfold.cli.colour import BOLD, SIDE, STATUS, coloured
from stackfold.cli.escapes import escaped
from stackfold.cli.times import TIMES, dated, shown_time

_GAP = "  "
_NARROWEST = 8
"""The width in characters below which a column is dropped instead of truncated."""


LONGEST_CELL = 1000
"""The maximum number of characters of a table cell; other formats do not truncate."""
LONGEST_VALUE = 10_000
"""The maximum number of characters of a value in a description that is piped."""
_MOST_LINES = 5
"""The maximum number of lines of a value on a terminal."""
_MOST_KEYS = 200
"""The maximum number of values of a dictionary in a description."""
_LONGEST_MESSAGE = 4000


def table(
    records: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    vital: Collection[str] = (),
    below: Collection[str] = (),
    headings: Sequence[str] = (),
) -> tuple[str, list[str]]:
    """Lay out records as lines of aligned columns under a header.

    Args:
        records: Each holds a value for every column.
        columns: Which values to show, in this order.
        vital: Columns that are never truncated or dropped.
        below: Columns that go on lines below a row if the terminal is too narrow for it; below
            all rows if it is for half of them.
        headings: What to write above the columns; by default their names in capital letters.

    Returns:
        The text, and the columns that were dropped for lack of room.
    """
    cells = [[shown_time(cell(record[column])) for column in columns] for record in records]
    heads = [*map(cell, headings)] or [column.upper() for column in columns]
    widths = _widths([heads, *cells])
    wrapped = [column for column in columns if column in below]
    folded: Collection[int] = ()
    if wrapped and sys.stdout.isatty() and _total(widths) > room():
        folded = _folded(heads, cells, [columns.index(column) for column in wrapped])
        if 2 * len(folded) >= len(records):
            others = [column for column in columns if column not in below]
            text, left_out = table(records, others, vital)
            header, *rows = text.splitlines()
            both = zip(rows, records, strict=True)
            texts = (f"{line}\n{_below(record, wrapped)}" for line, record in both)
            return "".join((f"{header}\n", *texts)), left_out
        for at in folded:
            cells[at] = [
                "" if column in below else text
                for column, text in zip(columns, cells[at], strict=True)
            ]
        widths = _widths([heads, *cells])
    shown = list(range(len(columns)))
    if sys.stdout.isatty():
        cuttable = [index for index in shown if columns[index] not in vital]
        contents = [max(map(_width, each), default=0) for each in zip(*cells, strict=True)]
        whole = {index for index in cuttable if columns[index] in TIMES}
        shown = _fit(widths, contents or widths, cuttable, whole, room())
    header, *rows = (
        _GAP.join(
            _coloured(columns[index], _padded(line[index], widths[index])) for index in shown
        ).rstrip()
        for line in (heads, *cells)
    )
    for at in folded:
        rows[at] += "\n" + _below(records[at], wrapped).rstrip("\n")
    text = "".join(f"{line}\n" for line in (coloured(header, BOLD), *rows))
    left_out = [column for index, column in enumerate(columns) if index not in shown]
    return text, left_out


def _folded(heads: Sequence[str], cells: Sequence[Sequence[str]], below: list[int]) -> set[int]:
    """The indexes of the rows without whose columns below the table fits the terminal."""
    widths = _widths([heads, *cells])
    for index in below:
        widths[index] = _width(heads[index])
    needed = [[_width(row[index]) for index in below] for row in cells]
    folded = {*range(len(cells))}
    for at in sorted(folded, key=lambda at: sum(needed[at])):
        for index, width in zip(below, needed[at], strict=True):
            widths[index] = max(widths[index], width)
        if _total(widths) > room():
            break
        folded.remove(at)
    return folded


def _widths(lines: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(_width, each)) for each in zip(*lines, strict=True)]


def _total(widths: Collection[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _below(record: Mapping[str, Any], columns: Sequence[str]) -> str:
    """Wrap values of a record to indented lines; values that are not set have no line."""
    from textwrap import fill

    indent = "    "
    longest = _MOST_LINES * room()
    values = (
        f"“{cell(record[column], longest)}”" if column == "why" else cell(record[column], longest)
        for column in columns
        if record[column]
    )
    return "".join(
        fill(each, max(room(), 20), initial_indent=indent, subsequent_indent=indent) + "\n"
        for each in values
    )


def _coloured(column: str, text: str) -> str:
    word = text.rstrip()
    colour = STATUS.get(word, "") if column == "status" else SIDE.get(column, "")
    return coloured(word, colour) + text[len(word) :]


def properties(record: Mapping[str, Any], fields: Sequence[str]) -> str:
    """Lay out one record as a line per value; values of a dictionary as `field.key`."""
    longest = _MOST_LINES * room() if sys.stdout.isatty() else LONGEST_VALUE
    pairs: list[tuple[str, str]] = []
    for field in fields:
        value = record[field]
        if isinstance(value, Mapping) and value:
            pairs += [
                (cell(f"{field}.{key}"), cell(each, longest))
                for key, each in islice(value.items(), _MOST_KEYS)
            ]
            if len(value) > _MOST_KEYS:
                pairs.append((field, f"and {len(value) - _MOST_KEYS:,} more"))
        else:
            pairs.append((field, dated(cell(value, longest))))
    width = max(_width(name) for name, _ in pairs)
    return "".join(
        f"{_padded(name, width)}{_GAP}{_coloured(name, value)}\n" for name, value in pairs
    )


def cell(value: object, longest: int | None = LONGEST_CELL) -> str:
    """Format a value as one line of text, with control characters escaped.

    Args:
        value: Any value of a record.
        longest: The maximum number of characters; None for no limit.
    """
    match value:
        case bool():
            text = "yes" if value else "no"
        case None | "":
            text = "-"
        case Mapping() | list() | tuple() if not value:
            text = "-"
        case Mapping():
            pairs = (f"{key}={_inner(each)}" for key, each in value.items())
            text = _joined(pairs, len(value), longest)
        case list() | tuple():
            text = _joined(map(_inner, value), len(value), longest)
        case _:
            text = str(value)
    return escaped(_cut(text, longest))


def _joined(parts: Iterable[str], count: int, longest: int | None) -> str:
    """Join the parts of a container; of one that is too long, the first parts and their number."""
    if longest is None:
        return ", ".join(parts)
    shown: list[str] = []
    length = -2
    for part in parts:
        shown.append(part)
        length += len(part) + 2
        if length > longest:
            end = f"… ({count:,} values)"
            return f"{', '.join(shown)[: max(longest - len(end), 0)]}{end}"
    return ", ".join(shown)


def _cut(text: str, longest: int | None) -> str:
    return text if longest is None or len(text) <= longest else f"{text[: longest - 1]}…"


def one_line(text: str) -> str:
    """Format a message as one line, with control characters escaped."""
    return escaped(_cut(" ".join(text.split()), _LONGEST_MESSAGE))


def lines(text: str) -> str:
    """Format text of several lines, with control characters other than newlines escaped."""
    return "".join(f"{escaped(line)}\n" for line in text.splitlines())


def _inner(value: object) -> str:
    if isinstance(value, str):
        return value
    return _json_encoder()(value)


@cache
def _json_encoder() -> Callable[[object], str]:
    """Return one encoder for all values: `json.dumps` creates one per call."""
    from json import JSONEncoder

    return JSONEncoder(ensure_ascii=False).encode


def room() -> int:
    """The width of the terminal in characters."""
    from shutil import get_terminal_size

    return get_terminal_size().columns


def _fit(
    widths: list[int], contents: list[int], cuttable: list[int], whole: Collection[int], room: int
) -> list[int]:
    """Reduce widths of columns until they fit; return the indexes of the columns that remain.

    Args:
        widths: The width of each column, which is changed.
        contents: The width of each column without its title; titles are truncated first.
        cuttable: The indexes of columns that may be truncated or dropped.
        whole: Those of them that are dropped rather than truncated.
        room: The width of the terminal.
    """
    shown = list(range(len(widths)))

    def excess() -> int:
        return sum(widths[index] for index in shown) + len(_GAP) * (len(shown) - 1) - room

    for index in sorted(cuttable, key=lambda index: contents[index] - widths[index]):
        least = max(contents[index], _NARROWEST)
        widths[index] -= max(0, min(excess(), widths[index] - least))
    while (over := excess()) > 0 and cuttable:
        candidates = [index for index in cuttable if index not in whole]
        widest = max(candidates, key=lambda index: widths[index], default=cuttable[-1])
        if widest in candidates and widths[widest] > _NARROWEST:
            second = max([widths[i] for i in candidates if i != widest], default=_NARROWEST)
            widths[widest] = max(widths[widest] - over, min(second, widths[widest] - 1), _NARROWEST)
        else:
            dropped = candidates[-1] if candidates else cuttable[-1]
            cuttable.remove(dropped)
            shown.remove(dropped)
    return shown


def fitted(text: str, width: int) -> str:
    """Truncate a text of one line to a width, with an ellipsis."""
    return text if _width(text) <= width else _padded(text, width)


def _padded(text: str, width: int) -> str:
    """Pad `text` to a width, or truncate it with an ellipsis."""
    missing = width - _width(text)
    if missing < 0:
        text = text[:width] + "…"
    while missing < 0:
        text = text[:-2] + "…"
        missing = width - _width(text)
    return text + " " * missing


def _width(text: str) -> int:
    """The number of terminal cells that the text takes: two for each East Asian wide character."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(
        0 if combining(character) else 2 if east_asian_width(character) in "WF" else 1
        for character in text
    )
