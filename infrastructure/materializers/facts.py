"""Facts about values of well-known libraries, recorded as metadata of their artifacts.

Each is read from what the library has in memory already, or computed from a bounded part: a step
must not become slower by what is recorded about it. The libraries are those of the values, so
nothing is imported for a value that they did not define.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

MOST_COLUMNS = 50
"""Columns of a table whose types are recorded."""
MOST_STATISTICS = 20
"""Columns of numbers of which statistics are recorded."""
MOST_CELLS = 1_000_000
"""The most numbers from which statistics are computed; of larger tables there are none."""
MOST_PARAMETERS = 40
LONGEST = 100
"""Characters of a name, type or parameter."""

Statistics = Mapping[str, float | int | None]


def facts(value: Any) -> dict[str, Any]:
    """Return what is recorded about a value; empty for values of other libraries."""
    find = _FACTS.get(type(value).__module__.partition(".")[0])
    return find(value) if find else {}


def _of_array(value: Any) -> dict[str, Any]:
    shape = getattr(value, "shape", None)
    return {"shape": [*shape], "dtype": _text(value.dtype)} if shape else {}


def _of_pandas(value: Any) -> dict[str, Any]:
    import pandas

    if isinstance(value, pandas.Series):
        value = value.to_frame(name="" if value.name is None else value.name)
    if not isinstance(value, pandas.DataFrame):
        return {}
    kinds = [*value.dtypes]
    columns = [(str(name), str(kind)) for name, kind in zip(value.columns, kinds, strict=True)]
    numbers = [at for at, kind in enumerate(kinds) if kind.kind in "iuf"]
    return _of_table(len(value), columns, numbers, lambda shown: _of_blocks(value, kinds, shown))


def _of_blocks(frame: Any, kinds: list[Any], shown: list[int]) -> list[Statistics]:
    """The statistics of columns of a frame, computed at once for those of the same type."""
    blocks: dict[Any, list[int]] = {}
    for at in shown:
        blocks.setdefault(kinds[at], []).append(at)
    found: dict[int, Statistics] = {}
    for members in blocks.values():
        part = frame if len(members) == len(kinds) else frame.iloc[:, members]
        found |= zip(members, _of_numbers(part.to_numpy()), strict=True)
    return [found[at] for at in shown]


def _of_polars(value: Any) -> dict[str, Any]:
    import polars

    if isinstance(value, polars.Series):
        value = value.to_frame()
    if not isinstance(value, polars.DataFrame):
        return {}
    numbers = [at for at, kind in enumerate(value.dtypes) if kind.is_numeric()]

    def statistics(at: int) -> Statistics:
        column: Any = value.to_series(at)
        if column.dtype.is_float():
            column = column.fill_nan(None)
        nulls = column.null_count()
        return {"min": column.min(), "max": column.max(), "mean": column.mean(), "nulls": nulls}

    columns = [(name, str(kind)) for name, kind in zip(value.columns, value.dtypes, strict=True)]
    return _of_table(value.height, columns, numbers, lambda shown: [*map(statistics, shown)])


def _of_arrow(value: Any) -> dict[str, Any]:
    import pyarrow

    # Its functions are made when it is imported, so type checkers do not know them.
    compute: Any = import_module("pyarrow.compute")
    if not isinstance(value, pyarrow.Table | pyarrow.RecordBatch):
        return {}
    table: Any = value
    kinds = [each.type for each in table.schema]
    numbers = [
        at
        for at, kind in enumerate(kinds)
        if pyarrow.types.is_integer(kind) or pyarrow.types.is_floating(kind)
    ]

    def statistics(at: int) -> Statistics:
        column = table.column(at)
        if pyarrow.types.is_float64(kinds[at]) or pyarrow.types.is_float32(kinds[at]):
            column = compute.if_else(compute.is_nan(column), None, column)
        bounds = compute.min_max(column).as_py()
        mean = compute.mean(column).as_py()
        return {**bounds, "mean": mean, "nulls": column.null_count}

    columns = [(each.name, str(each.type)) for each in table.schema]
    return _of_table(table.num_rows, columns, numbers, lambda shown: [*map(statistics, shown)])


def _of_table(
    rows: int,
    columns: list[tuple[str, str]],
    numbers: list[int],
    statistics: Callable[[list[int]], list[Statistics]],
) -> dict[str, Any]:
    """The facts of a table.

    Args:
        rows: Their number.
        columns: Name and type; empty if names are not unique.
        numbers: The indexes of the columns that contain numbers.
        statistics: Returns those of the columns with some indexes.
    """
    found: dict[str, Any] = {
        "rows": rows,
        "columns": {_text(name): _text(kind) for name, kind in columns[:MOST_COLUMNS]},
    }
    if len(columns) > MOST_COLUMNS:
        found["more_columns"] = len(columns) - MOST_COLUMNS
    shown = [at for at in numbers if at < len(columns)][:MOST_STATISTICS]
    if shown and 0 < rows * len(shown) <= MOST_CELLS:
        names = [_text(columns[at][0]) for at in shown]
        found["statistics"] = dict(zip(names, statistics(shown), strict=True))
    return found


def _of_numbers(block: Any) -> list[Statistics]:
    """The statistics of each column of an array, with NaN for missing numbers."""
    import numpy

    if block.dtype.kind not in "iuf":  # numbers with missing ones, of an extension of pandas
        return [{}] * block.shape[1]
    known = ~numpy.isnan(block)
    counts = numpy.count_nonzero(known, axis=0)
    # These ignore NaN, unless there is nothing else.
    low, high = numpy.fmin.reduce(block, axis=0), numpy.fmax.reduce(block, axis=0)
    sums = numpy.add.reduce(block, axis=0, dtype="float64", where=known)
    rows, found = len(block), list[Statistics]()
    for least, most, total, count in zip(low, high, sums, counts, strict=True):
        if not count:
            found.append({"min": None, "max": None, "mean": None, "nulls": rows})
            continue
        mean, nulls = float(total) / int(count), rows - int(count)
        found.append({"min": least, "max": most, "mean": mean, "nulls": nulls})
    return found


def _of_picture(value: Any) -> dict[str, Any]:
    size, mode = getattr(value, "size", None), getattr(value, "mode", None)
    return {"size": [*size], "mode": mode} if size and isinstance(mode, str) else {}


def _of_estimator(value: Any) -> dict[str, Any]:
    if not callable(getattr(value, "get_params", None)) or isinstance(value, type):
        return {}
    parameters = value.get_params(deep=False)
    found: dict[str, Any] = {
        "parameters": {
            _text(name): each if type(each) in (bool, int, float, type(None)) else _short(each)
            for name, each in [*parameters.items()][:MOST_PARAMETERS]
        }
    }
    features = getattr(value, "n_features_in_", None)
    return found | ({"features": features} if isinstance(features, int) else {})


def _short(value: Any) -> str:
    """The text of a parameter; of an estimator or array only its class, whose text is long."""
    if isinstance(value, str):
        return _text(value)
    simple = isinstance(value, tuple | list) and len(value) <= 10
    simple = simple and all(isinstance(each, bool | int | float | str) for each in value)
    return _text(value) if simple else type(value).__name__


def _text(value: Any) -> str:
    text = str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


_FACTS: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "numpy": _of_array,
    "pandas": _of_pandas,
    "polars": _of_polars,
    "pyarrow": _of_arrow,
    "PIL": _of_picture,
    "sklearn": _of_estimator,
}
"""Library → the function for its values."""
