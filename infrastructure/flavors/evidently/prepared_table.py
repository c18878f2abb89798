"""Tables as Evidently takes them: columns of numbers, and columns of categories as texts."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from stackfold.domain.errors import InvalidTable
from stackfold.infrastructure.flavors.tables import Sample


class Prepared(NamedTuple):
    """One or two tables with the same columns, and the types of these."""

    frames: tuple[Any, ...]
    """Frames of pandas, whose columns have unique texts as names."""
    numerical: list[str]
    categorical: list[str]
    skipped: dict[str, str]
    """Column → why it is left out."""


def named(sample: Sample) -> Any:
    """Return the frame of a sample, with texts as the names of its columns.

    Raises:
        InvalidTable: Two columns have the same name.
    """
    names = [str(name) or "(empty)" for name in sample.frame.columns]
    double = next((name for name in names if names.count(name) > 1), None)
    if double is not None:
        raise InvalidTable(f"two columns are named {double!r:.100}: rename one")
    return sample.frame.set_axis(names, axis="columns")


def prepared(frames: Sequence[Any], columns: Sequence[str], most_categories: int) -> Prepared:
    """Sort columns into numbers and categories, and convert them.

    A column is numerical if it is in all tables. Infinite numbers count as missing.

    Args:
        frames: The tables.
        columns: The columns to use; all tables have them.
        most_categories: A column with more distinct texts is left out.
    """
    from pandas import DataFrame

    converted: list[dict[str, Any]] = [{} for _ in frames]
    numerical, categorical, skipped = list[str](), list[str](), dict[str, str]()
    for name in columns:
        parts = [frame[name] for frame in frames]
        if any(map(_is_time, parts)):
            skipped[name] = "it contains times"
            continue
        if all(map(_is_empty, parts)):
            skipped[name] = "it has no values"
            continue
        numbers = all(_is_number(part) or _is_empty(part) for part in parts)
        parts = [_numbers(part) if numbers else _texts(part) for part in parts]
        if all(map(_is_empty, parts)):
            skipped[name] = "it has no finite values"
            continue
        if not numbers and len(set().union(*(part.dropna() for part in parts))) > most_categories:
            skipped[name] = f"it has more than {most_categories:,} distinct values"
            continue
        (numerical if numbers else categorical).append(name)
        for frame, part in zip(converted, parts, strict=True):
            frame[name] = part
    made = tuple(
        DataFrame(new, index=old.index).reset_index(drop=True)
        for new, old in zip(converted, frames, strict=True)
    )
    return Prepared(made, numerical, categorical, skipped)


def is_number(column: Any) -> bool:
    """Whether a column of pandas contains numbers."""
    return _is_number(column)


def _is_number(column: Any) -> bool:
    from pandas.api import types

    kind = column.dtype
    return (
        types.is_numeric_dtype(kind)
        and not types.is_bool_dtype(kind)
        and not types.is_complex_dtype(kind)
    )


def _is_time(column: Any) -> bool:
    from pandas.api import types

    return bool(types.is_datetime64_any_dtype(column.dtype) or column.dtype.kind == "m")


def _is_empty(column: Any) -> bool:
    return not bool(column.notna().any())


def _numbers(column: Any) -> Any:
    numbers = column.astype("object").where(column.notna(), float("nan")).astype("float64")
    return numbers.where(abs(numbers) < float("inf"))


def _texts(column: Any) -> Any:
    return column.astype("object").map(str, na_action="ignore").where(column.notna(), None)
