"""Showing rows: as a table for people, as JSON, YAML, CSV or TSV for programs."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, NamedTuple

from stackfold.cli.escapes import harmless, json_text, shown, shown_lines
from stackfold.cli.table import properties, table
from stackfold.domain.errors import InvalidListing, StackfoldWarning

Record = Mapping[str, Any]


class Format(StrEnum):
    """The forms in which lists and descriptions are shown."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"
    CSV = "csv"
    TSV = "tsv"


class Shape(NamedTuple):
    """Which of a record's values are shown where."""

    fields: tuple[str, ...]
    """What programs get, unless they ask for columns."""
    table: tuple[str, ...]
    """What a table of many shows, unless columns are asked for."""
    vital: tuple[str, ...] = ("name",)
    """What a table never cuts."""
    extra: tuple[str, ...] = ()
    """What can be asked for besides `fields`."""


def show_rows(
    records: Sequence[Record],
    shape: Shape,
    output: str = Format.TABLE,
    columns: Sequence[str] | None = None,
) -> None:
    """Print many records.

    Raises:
        InvalidListing: A column that they do not have.
    """
    must_know(shape, columns)
    if output == Format.TABLE:
        text, left_out = table(records, columns or shape.table, shape.vital)
        sys.stdout.write(text)
        if left_out:
            note(f"no room for {', '.join(left_out)}: widen the terminal or choose with --columns")
        return
    fields = columns or shape.fields
    _write([{field: record[field] for field in fields} for record in records], fields, output)


def must_know(shape: Shape, columns: Sequence[str] | None) -> None:
    """See whether records of that shape have these columns.

    Raises:
        InvalidListing: A column that they do not have.
    """
    known = dict.fromkeys((*shape.fields, *shape.table, *shape.extra))
    for column in columns or ():
        if column not in known:
            raise InvalidListing("column", column, list(known))


def show_one(record: Record, fields: Sequence[str], output: str = Format.TABLE) -> None:
    """Print one record with all its values."""
    if output == Format.TABLE:
        sys.stdout.write(properties(record, fields))
    elif output in {Format.CSV, Format.TSV}:
        _write([record], fields, output)
    else:
        _write({field: record[field] for field in fields}, fields, output)


def plain(value: Any) -> Any:
    """A view as dictionaries and lists, however deep, of values that JSON carries."""
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict) and all(type(key) is str for key in value):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if value is None or isinstance(value, str | int):
        return value
    from stackfold.application.runs.run_views import readable

    return readable(value)


@contextmanager
def warnings_as_notes() -> Iterator[None]:
    """Within the block, show our own warnings as notes; others as ever."""
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


def say(text: str) -> None:
    """Print what was done."""
    sys.stdout.write(f"{shown_lines(text)}\n")


def hand_over(text: str) -> None:
    """Print a value: exactly, or on a terminal with nothing that it would obey."""
    sys.stdout.write(f"{shown_lines(text) if sys.stdout.isatty() else text}\n")


def note(text: str) -> None:
    """Print what a person should know and a program reading the output should not get."""
    sys.stderr.write(f"note: {shown(text)}\n")


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
    """A value for one cell of a file: what has parts, and truth, as JSON."""
    if isinstance(value, str):
        text = harmless(value)
        return shown(text) if sys.stdout.isatty() else text
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    return "" if value is None else json_text(value)
