"""Tables of any common library as frames of pandas, for the tools of flavors."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from stackfold.domain.errors import InvalidTable
from stackfold.domain.errors.wording import text_of, with_article
from stackfold.domain.exact_json.class_finder import type_name
from stackfold.domain.validation.validation_report import one_line

_SEED = 0
"""A sample of one table is the same at any time, so that results can be repeated."""


class Sample(NamedTuple):
    """The rows of a table that a tool is given."""

    frame: Any
    """A frame of pandas."""
    rows: int
    """The number of rows of the whole table."""


def as_pandas(data: Any) -> Any:
    """Return a table as a frame of pandas: itself if it is one, and never a changed one.

    Args:
        data: A frame or series of pandas or polars, a table of pyarrow, an array of one or two
            dimensions, a mapping of columns, or a list of rows as mappings.

    Raises:
        InvalidTable: It is none of these, or cannot be converted.
    """
    library = type(data).__module__.partition(".")[0]
    convert = _CONVERSIONS.get(library, _of_plain)
    try:
        frame = convert(data)
    except InvalidTable:
        raise
    except ImportError as error:
        raise InvalidTable(f"install {error.name} to convert it to pandas") from error
    except Exception as error:  # pandas, polars and pyarrow raise many classes
        problem = one_line(f"{type(error).__name__}: {text_of(error)}", 200)
        raise InvalidTable(f"it cannot be converted to pandas: {problem}") from error
    if frame is None:
        raise InvalidTable(
            f"{with_article(type_name(type(data)))} is not a table: give a frame of pandas or "
            "polars, a mapping of columns, or a list of rows as mappings"
        )
    return frame


def sample(frame: Any, most: int | None) -> Sample:
    """Return at most a number of rows of a frame, drawn at random with a constant seed, in order.

    Args:
        frame: A frame of pandas.
        most: The most rows; None for all.
    """
    rows = len(frame)
    if most is None or rows <= most:
        return Sample(frame, rows)
    import numpy

    drawn = numpy.random.default_rng(_SEED).choice(rows, size=most, replace=False, shuffle=False)
    drawn.sort()
    return Sample(frame.iloc[drawn], rows)


def _of_pandas(data: Any) -> Any:
    import pandas

    if isinstance(data, pandas.DataFrame):
        return data
    if isinstance(data, pandas.Series):
        return data.to_frame(name="value" if data.name is None else data.name)
    return None


def _of_polars(data: Any) -> Any:
    import polars

    if isinstance(data, polars.LazyFrame):
        data = data.collect()
    if isinstance(data, polars.Series):
        data = data.to_frame(data.name or "value")
    return data.to_pandas() if isinstance(data, polars.DataFrame) else None


def _of_arrow(data: Any) -> Any:
    import pyarrow

    table = isinstance(data, pyarrow.Table | pyarrow.RecordBatch)
    return data.to_pandas() if table else None


def _of_numpy(data: Any) -> Any:
    import numpy
    import pandas

    if not isinstance(data, numpy.ndarray) or data.ndim not in (1, 2):
        return None
    width = data.shape[1] if data.ndim == 2 else 1
    return pandas.DataFrame(data, columns=[str(at) for at in range(width)])


def _of_plain(data: Any) -> Any:
    import pandas

    if isinstance(data, Mapping):
        return pandas.DataFrame(dict(data))
    if isinstance(data, Sequence) and not isinstance(data, str | bytes | bytearray):
        rows = [*data]
        if all(isinstance(row, Mapping) for row in rows):
            return pandas.DataFrame(rows)
    return None


_CONVERSIONS: Mapping[str, Callable[[Any], Any]] = {
    "pandas": _of_pandas,
    "polars": _of_polars,
    "pyarrow": _of_arrow,
    "numpy": _of_numpy,
}
"""Library → what converts its tables."""
