"""PreviewReader: shows what stored bytes contain, and never unpickles them."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any, BinaryIO

from stackfold.application.artifacts.content import (
    BINARY,
    HEAD,
    PICKLE,
    PICTURES,
    media_type,
    picture_size,
)
from stackfold.application.artifacts.previews import (
    MOST_COLUMNS,
    MOST_ROWS,
    PICKLE_SENTENCE,
    Preview,
)
from stackfold.domain.limits import size as size_text
from stackfold.infrastructure.previews.parsing_process import ParsingFailed, parse

LARGEST_PICTURE = 8 * 2**20
MOST_PIXELS = 50_000_000
LARGEST_JSON = 2**20
LONGEST_TEXT = 20_000
"""Characters."""
MOST_LINES = 400
_MOST_NUMBERS, _ONE_LINE = 12, 80

_NPY, _ZIP = "application/x-npy", "application/zip"
_PARQUET, _ARROW = "application/vnd.apache.parquet", "application/vnd.apache.arrow.stream"
_PARSED = {_NPY: "npy", _ZIP: "zip", _PARQUET: "parquet", _ARROW: "arrow"}
_WRITES = {
    "arrow": (_ARROW,),
    "figure-html": ("text/html",),
    "figure-png": ("image/png",),
    "json": ("text/plain",),
    "numpy": (_NPY,),
    "pandas": (_PARQUET,),
    "png": ("image/png",),
    "polars": (_PARQUET,),
}
"""Built-in materializer → what it writes."""


class Previews:
    """Implements `PreviewReader`."""

    def read(self, file: BinaryIO, size: int, materializer: str, seconds: float) -> Preview:
        head = file.read(HEAD)
        found = media_type(head)
        if found == PICKLE:
            return Preview("pickle", PICKLE_SENTENCE)
        if not size:
            return Preview("text", "Empty.")
        expected = _WRITES.get(materializer)
        if expected and found not in expected:
            sentence = (
                f"No preview: the bytes are not what the materializer {materializer!r} writes."
            )
            return Preview("other", sentence)
        if materializer == "figure-html":
            return _figure(size)
        if found in PICTURES:
            return _picture(file, head, found, size)
        if found in {"text/html", "image/svg+xml"}:
            return _page(found, size)
        if found in _PARSED:
            return _parsed(_PARSED[found], file, seconds)
        if found == BINARY:
            return Preview("other", f"{size_text(size)} of a format that has no preview.")
        return _text(file, head, size, materializer, seconds)


def _picture(file: BinaryIO, head: bytes, found: str, size: int) -> Preview:
    kind = found.partition("/")[2].upper()
    if size > LARGEST_PICTURE:
        return Preview("other", f"{kind}, larger than {size_text(LARGEST_PICTURE)}: no preview.")
    pixels = picture_size(head + file.read(LARGEST_PICTURE) if found == "image/jpeg" else head)
    if pixels is None or not (pixels.width and pixels.height):
        return Preview("other", f"A damaged {kind}: no preview.")
    summary = f"{kind}, {pixels.width:,} × {pixels.height:,} pixels"
    if pixels.width * pixels.height > MOST_PIXELS:
        return Preview("other", f"{summary}: too large for a preview.")
    return Preview("picture", summary, found)


def _page(found: str, size: int) -> Preview:
    kind = "HTML" if found == "text/html" else "SVG"
    if size > LARGEST_PICTURE:
        return Preview("other", f"{kind}, larger than {size_text(LARGEST_PICTURE)}: no preview.")
    return Preview("page" if kind == "HTML" else "drawing", kind, found)


def _figure(size: int) -> Preview:
    if size > LARGEST_PICTURE:
        limit = size_text(LARGEST_PICTURE)
        return Preview("other", f"A plotly figure, larger than {limit}: no preview.")
    return Preview("figure", "A plotly figure.", "text/html")


def _parsed(kind: str, file: BinaryIO, seconds: float) -> Preview:
    try:
        found = parse(kind, file, seconds)
    except ParsingFailed as error:
        return Preview("other", f"No preview: {error}.")
    return Preview(
        form=found["form"],
        summary=str(found["summary"]),
        text=str(found.get("text", "")),
        columns=tuple(map(str, found.get("columns", ()))),
        types=tuple(map(str, found.get("types", ()))),
        rows=tuple(tuple(map(str, row)) for row in found.get("rows", ())),
        cut=str(found.get("cut", "")),
    )


def _typed_json(data: bytes, seconds: float) -> Preview:
    """A value whose types are recorded, which is made plain first."""
    try:
        return _json(json.loads(parse("exact-json", io.BytesIO(data), seconds)["value"]))
    except (ParsingFailed, RecursionError) as error:
        return Preview("other", f"No preview: {error}.")


def _text(file: BinaryIO, head: bytes, size: int, materializer: str, seconds: float) -> Preview:
    if size <= LARGEST_JSON:
        data = head + file.read(LARGEST_JSON)
        if materializer == "json" and b'"$' in data:
            return _typed_json(data, seconds)
        if materializer == "json" or data.lstrip()[:1] in {b"{", b"["}:
            try:
                return _json(json.loads(data))
            except (ValueError, RecursionError):
                if materializer == "json":
                    return Preview(
                        "other", "No preview: it is no valid JSON, or nested too deeply."
                    )
    data = head + file.read(4 * LONGEST_TEXT - len(head)) if size > len(head) else head
    text = data.decode(errors="replace")
    if size > len(data):
        text = text.removesuffix("\ufffd")
    kind = "JSON" if materializer == "json" else "Text"
    more = size > len(data)
    return (kind == "Text" and _csv(text, more)) or _cut_text("text", kind, text, more)


def _json(value: Any) -> Preview:
    numbers = _numbers(value)
    if numbers:
        return Preview("numbers", "Numbers" if len(numbers) > 1 else "A number", rows=numbers)
    if isinstance(value, str):
        return _cut_text("text", "Text", value, False)
    written = json.dumps(value, ensure_ascii=False)
    if len(written) > _ONE_LINE:
        written = json.dumps(value, indent=2, ensure_ascii=False)
    kind = "JSON"
    if isinstance(value, dict | list):
        noun = ("key", "keys") if isinstance(value, dict) else ("item", "items")
        kind = f"JSON, {len(value):,} {noun[len(value) != 1]}"
    return _cut_text("json", kind, written, False)


def _numbers(value: Any) -> tuple[tuple[str, str], ...]:
    """Pairs of a name and a number, if a value is nothing else."""
    pairs = value.items() if isinstance(value, dict) else [("", value)]
    if not 0 < len(pairs) <= _MOST_NUMBERS or any(
        type(each) not in {int, float} for _, each in pairs
    ):
        return ()
    return tuple((name, number_text(each)) for name, each in pairs)


def number_text(value: float) -> str:
    """Return a number with at most six significant digits, or all digits of an integer."""
    if isinstance(value, int):
        return f"{value:,}" if abs(value) < 10**15 else f"{float(value):.6g}"
    return f"{value:,.6g}"


def _csv(text: str, cut: bool) -> Preview | None:
    """The first rows of a text, if its first lines have equal numbers of fields."""
    lines = text.splitlines()[: MOST_ROWS + 1]
    delimiter = max(",\t;", key=lines[0].count) if lines else ","
    try:
        rows = [*csv.reader(lines, delimiter=delimiter, strict=True)]
    except csv.Error:
        return None
    if len(rows) < 2 or len(rows[0]) < 2 or len({len(row) for row in rows}) > 1:
        return None
    kind = {",": "CSV", "\t": "Tab-separated values", ";": "Values separated by semicolons"}[
        delimiter
    ]
    rest = len(text.splitlines()) - len(lines)
    more = ["more rows"] if cut else [f"{rest:,} more rows"] if rest else []
    if len(rows[0]) > MOST_COLUMNS:
        more.append(f"{len(rows[0]) - MOST_COLUMNS:,} more columns")
    return Preview(
        "table",
        f"{kind}, {len(rows[0]):,} columns",
        columns=_cells(rows[0]),
        rows=tuple(map(_cells, rows[1:])),
        cut=f"and {', '.join(more)}" if more else "",
    )


def _cells(row: Sequence[str]) -> tuple[str, ...]:
    return tuple(each if len(each) <= 80 else f"{each[:79]}…" for each in row[:MOST_COLUMNS])


def _cut_text(form: Any, summary: str, text: str, more: bool) -> Preview:
    lines = text[:LONGEST_TEXT].split("\n")
    shown = "\n".join(lines[:MOST_LINES])
    rest = more or len(shown) < len(text)
    return Preview(form, summary, text=shown, cut="The rest is not shown." if rest else "")
