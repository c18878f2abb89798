"""pandas frames and series, as Parquet."""

import io
from collections.abc import Mapping
from typing import Any, BinaryIO

from stackfold.application.artifacts.materializer import Materializer, WriteValue
from stackfold.application.ports import ArtifactWriter
from stackfold.domain.exact_json.class_finder import FindClass
from stackfold.infrastructure.materializers.facts import facts
from stackfold.infrastructure.materializers.sink import Sink, comes_from
from stackfold.infrastructure.system.environment import importable

_EXACT = frozenset({"bool", "float32", "float64", "datetime64[us]", "datetime64[ns]"}) | {
    f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}
"""Column types that Parquet always preserves; others are tested."""

_ALONE: dict[str, Any] = {"engine": "pyarrow", "use_threads": False, "pre_buffer": False}
"""How a single column is read. Arrow's threads would be of no use, and a program that ends soon
afterwards was aborted by them at times ("terminate called without an active exception")."""

_LARGE = 2**26
"""Frames of at least this many bytes are read column by column."""

_TEST_ROWS = 2**16
"""Number of rows to test at once, to limit the memory of the test."""


class PandasMaterializer(Materializer):
    """Writes frames and series that Parquet preserves exactly."""

    name = "pandas"

    def prepare(self, value: object) -> WriteValue | None:
        if not comes_from(value, "pandas") or not importable("pyarrow"):
            return None
        import pandas

        frame: Any = value
        if type(value) is pandas.Series:
            frame = _as_frame(value)
        elif type(value) is not pandas.DataFrame:
            return None
        if frame is None or not _is_preserved(frame):
            return None

        def write(file: ArtifactWriter) -> None:
            frame.to_parquet(Sink(file), engine="pyarrow")

        return write

    def metadata(self, value: Any) -> Mapping[str, Any]:
        return facts(value)

    def read(self, file: BinaryIO, type_name: str, find_class: FindClass) -> Any:
        frame = _frame(file)
        if not type_name.endswith("Series"):
            return frame
        series = frame.iloc[:, 0]
        return series.rename(None) if series.name == "" else series


def _frame(file: BinaryIO) -> Any:
    """Read a frame without holding it in memory twice, as Arrow columns and as pandas columns."""
    import pandas
    from pyarrow import parquet

    stored = parquet.ParquetFile(file)
    metadata = stored.metadata
    groups = range(metadata.num_row_groups)
    if sum(metadata.row_group(group).total_byte_size for group in groups) < _LARGE:
        return pandas.read_parquet(file, engine="pyarrow")
    described = stored.schema_arrow.pandas_metadata
    columns: dict[str, Any] = {}
    for column in described["columns"]:
        name = column["field_name"]
        if name in described["index_columns"]:
            continue
        plain = column["pandas_type"] in (column["numpy_type"], "datetime")
        if plain and column["numpy_type"] in _EXACT:
            columns[name] = _filled(stored, name)
        else:
            only = pandas.read_parquet(file, columns=[name], **_ALONE)[name]
            columns[name] = only.array.copy()  # the values of a series may be read-only
    index = pandas.read_parquet(file, columns=[], **_ALONE).index
    return pandas.DataFrame(columns, index=index, copy=False)


def _filled(stored: Any, name: str) -> Any:
    """Read a column of numbers into one array, a row group at a time."""
    import numpy

    column, first = None, 0
    for group in range(stored.metadata.num_row_groups):
        part = stored.read_row_group(
            group, columns=[name], use_pandas_metadata=False, use_threads=False
        )
        values = part.column(0).to_numpy()
        if column is None:
            column = numpy.empty(stored.metadata.num_rows, values.dtype)
        column[first : first + len(values)] = values
        first += len(values)
    return column


def _as_frame(series: Any) -> Any:
    # A Parquet column needs a name; the empty one stands for None.
    if series.name is None:
        return series.to_frame(name="")
    return series.to_frame() if type(series.name) is str and series.name else None


def _is_preserved(frame: Any) -> bool:
    import pandas

    columns = frame.columns
    if frame.attrs or type(columns) is pandas.MultiIndex or columns.name is not None:
        return False
    if not len(columns) or not columns.is_unique or not all(type(name) is str for name in columns):
        return False
    uncertain = [name for name, kind in frame.dtypes.items() if str(kind) not in _EXACT]
    if not uncertain and type(frame.index) is pandas.RangeIndex and frame.index.name is None:
        return True
    return _same_after_parquet(frame[uncertain or list(columns[:1])])


def _same_after_parquet(frame: Any) -> bool:
    """Test by a round trip in memory, as needed for objects, categories and indexes."""
    types: dict[str, Any] = {}
    for first in range(0, max(len(frame), 1), _TEST_ROWS):
        schema = _schema_if_same(frame.iloc[first : first + _TEST_ROWS])
        if schema is None:
            return False
        for field in schema:
            # A column without values has the type null, which is compatible with any.
            if str(field.type) != "null" and types.setdefault(field.name, field.type) != field.type:
                return False
    return True


def _schema_if_same(frame: Any) -> Any:
    """Return the Parquet schema of a frame that is preserved exactly; None if it is not."""
    import pandas
    from pyarrow import parquet

    with io.BytesIO() as file:
        try:
            frame.to_parquet(file, engine="pyarrow")
            file.seek(0)
            back = pandas.read_parquet(file, engine="pyarrow")
            pandas.testing.assert_frame_equal(back, frame, check_exact=True)
            schema = parquet.read_schema(file)
        except Exception:  # pyarrow raises many classes
            return None
    return schema if _same_objects(back, frame) else None


def _same_objects(back: Any, frame: Any) -> bool:
    """Whether cells that hold Python objects hold the same types, None and nan distinguished."""
    for name, kind in frame.dtypes.items():
        if kind.kind == "O" and kind.name == "object":
            pairs = zip(back[name], frame[name], strict=True)
            if any(type(this) is not type(that) for this, that in pairs):
                return False
    return True
