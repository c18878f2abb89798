"""Prints records as a table, JSON, YAML, CSV or TSV."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar

from stackfold.cli.escapes import escape_formula, escaped, escaped_lines, json_text
from stackfold.cli.table import properties, table
from stackfold.domain.errors import InvalidListing, StackfoldWarning

Record = Mapping[str, Any]
R = TypeVar("R")
_PLAIN = {str, int, bool, type(None)}
"""Types that JSON represents as they are; a list of them may be long."""


class Format(StrEnum):
    """The output formats of lists and descriptions."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"
    CSV = "csv"
    TSV = "tsv"


class Shape(NamedTuple):
    """The columns of a kind of record."""

    fields: tuple[str, ...]
    """All fields: the default of every format but the table."""
    table: tuple[str, ...]
    """The default columns of a table."""
    vital: tuple[str, ...] = ("name",)
    """Columns that a table never truncates."""
    extra: tuple[str, ...] = ()
    """Columns that may be selected in addition to `fields`."""
    below: tuple[str, ...] = ()
    """Columns that a narrow terminal shows on lines below the others."""


def show_rows(
    records: Sequence[Record],
    shape: Shape,
    output: str = Format.TABLE,
    columns: Sequence[str] | None = None,
) -> None:
    """Print records in an output format.

    Raises:
        InvalidListing: There is no such column.
    """
    check_columns(shape, columns)
    if output == Format.TABLE:
        text, left_out = table(records, columns or shape.table, shape.vital, shape.below)
        sys.stdout.write(text)
        if left_out:
            note(f"no room for {', '.join(left_out)}: widen the terminal or select with --columns")
        return
    fields = columns or shape.fields
    _write([{field: record[field] for field in fields} for record in records], fields, output)


def first_rows(records: Sequence[R], limit: int | None) -> Sequence[R]:
    """Return the first records of a list that has no pages; with a note if there are more."""
    if limit is not None and limit < len(records):
        note("more rows exist: raise --limit")
    return records[:limit]


def check_columns(shape: Shape, columns: Sequence[str] | None) -> None:
    """Check that records of that shape have these columns.

    Raises:
        InvalidListing: There is no such column.
    """
    known = dict.fromkeys((*shape.fields, *shape.table, *shape.extra))
    for column in columns or ():
        if column not in known:
            raise InvalidListing("column", column, list(known))


def show_one(record: Record, fields: Sequence[str], output: str = Format.TABLE) -> None:
    """Print all values of one record."""
    if output == Format.TABLE:
        sys.stdout.write(properties(record, fields))
    elif output in {Format.CSV, Format.TSV}:
        _write([record], fields, output)
    else:
        _write({field: record[field] for field in fields}, fields, output)


def plain(value: Any) -> Any:
    """Convert a view, at any depth, to values that JSON can represent."""
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict) and all(type(key) is str for key in value):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        if _PLAIN.issuperset(map(type, value)):
            return [*value]
        return [plain(each) for each in value]
    if value is None or isinstance(value, str | int):
        return value
    from stackfold.application.runs.run_views import readable

    return readable(value)


@contextmanager
def warnings_as_notes() -> Iterator[None]:
    """Within the block, print Stackfold's own warnings as notes, and others as before."""
    import warnings

    as_ever = warnings.showwarning

    def show(message: Any, *place: Any, **more: Any) -> None:
        if isinstance(message, StackfoldWarning):
            note(str(message))
        else:
            as_ever(message, *place, **more)

    with warnings.catch_warnings():
        warnings.simplefilter("always", StackfoldWarning)
        warnings.showwarning = show
        yield


def echo(text: str) -> None:
    """Print a line on stdout."""
    sys.stdout.write(f"{escaped_lines(text)}\n")


def print_value(text: str) -> None:
    """Print a value: exactly, or on a terminal with control characters escaped."""
    sys.stdout.write(f"{escaped_lines(text) if sys.stdout.isatty() else text}\n")


def note(text: str) -> None:
    """Print a remark on stderr, so that it does not mix with the output."""
    sys.stderr.write(f"note: {escaped(text)}\n")


def _write(data: Any, fields: Sequence[str], output: str) -> None:
    match output:
        case Format.JSON:
            sys.stdout.write(f"{json_text(data, indent=2)}\n")
        case Format.YAML:
            from stackfold.infrastructure.files.yaml import yaml_text

            sys.stdout.write(yaml_text(data))
        case _:
            import csv

            delimiter = "\t" if output == Format.TSV else ","
            writer = csv.writer(sys.stdout, delimiter=delimiter, lineterminator="\n")
            writer.writerow(fields)
            writer.writerows([_plain(record[field]) for field in fields] for record in data)


def _plain(value: object) -> object:
    """A value as a cell of CSV or TSV; containers and booleans as JSON."""
    if isinstance(value, str):
        text = escape_formula(value)
        return escaped(text) if sys.stdout.isatty() else text
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    return "" if value is None else json_text(value)
