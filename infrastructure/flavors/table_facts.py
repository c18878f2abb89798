"""Statistics of the columns of a frame, for profiles of data."""

from typing import Any

from stackfold.domain.validation.validation_report import MOST_COLUMNS

Facts = dict[str, float | str | None]


def column_facts(frame: Any) -> dict[str, Facts]:
    """Return statistics of each of the first columns.

    Args:
        frame: A frame of pandas.

    Returns:
        Column → "type", "missing" (the share of missing values), and "min", "mean", "max" and
        "deviation" of numbers, or the number of "distinct" values of all else.
    """
    found: dict[str, Facts] = {}
    for at, name in enumerate([*frame.columns][:MOST_COLUMNS]):
        unique = str(name)
        while unique in found:
            unique += "'"
        found[unique] = _facts(frame.iloc[:, at])
    return found


def _facts(column: Any) -> Facts:
    from pandas.api import types

    missing = float(column.isna().mean()) if len(column) else None
    facts: Facts = {"type": str(column.dtype), "missing": missing}
    known = column.dropna()
    if types.is_numeric_dtype(column.dtype) and not types.is_bool_dtype(column.dtype):
        if types.is_complex_dtype(column.dtype):
            return facts
        numbers = known.astype("float64")
        numbers = numbers[abs(numbers) < float("inf")]
        if len(numbers):
            facts |= {
                "min": float(numbers.min()),
                "mean": float(numbers.mean()),
                "max": float(numbers.max()),
                "deviation": float(numbers.std(ddof=0)),
            }
        return facts
    if types.is_datetime64_any_dtype(column.dtype) and len(known):
        return facts | {"min": str(known.min()), "max": str(known.max())}
    try:
        return facts | {"distinct": int(known.nunique())}
    except TypeError:  # values that cannot be compared, such as lists
        return facts
