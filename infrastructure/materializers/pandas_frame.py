"""pandas frames and series, as Parquet."""

import io
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, BinaryIO

from stackfold.application.ports import ArtifactWriter, FindClass, Materializer

_EXACT = frozenset({"bool", "float32", "float64", "datetime64[us]", "datetime64[ns]"}) | {
    f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}
"""Column types that Parquet always gives back as they were; others are tried."""


class PandasMaterializer(Materializer):
    """Writes frames and series that Parquet gives back exactly as they were."""

    name = "pandas"

    def prepare(self, value: object) -> Callable[[ArtifactWriter], object] | None:
        if type(value).__module__.partition(".")[0] != "pandas" or not find_spec("pyarrow"):
            return None
        import pandas

        frame: Any = value
        if type(value) is pandas.Series:
            frame = _as_frame(value)
        elif type(value) is not pandas.DataFrame:
            return None
        if frame is None or not _comes_back(frame):
            return None
        return lambda file: frame.to_parquet(_Sink(file), engine="pyarrow")

    def read(self, file: BinaryIO, type_name: str, find_class: FindClass) -> Any:
        import pandas

        frame = pandas.read_parquet(file, engine="pyarrow")
        if not type_name.endswith("Series"):
            return frame
        series = frame.iloc[:, 0]
        return series.rename(None) if series.name == "" else series


def _as_frame(series: Any) -> Any:
    # A Parquet column must have a name; no other one is empty.
    if series.name is None:
        return series.to_frame(name="")
    return series.to_frame() if type(series.name) is str and series.name else None


def _comes_back(frame: Any) -> bool:
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
    """Try it, in memory: there is no shorter way to know for objects, categories and indexes."""
    import pandas

    with io.BytesIO() as file:
        try:
            frame.to_parquet(file, engine="pyarrow")
            file.seek(0)
            back = pandas.read_parquet(file, engine="pyarrow")
            pandas.testing.assert_frame_equal(back, frame, check_exact=True)
        except Exception:  # pyarrow refuses in many ways
            return False
    return _same_objects(back, frame)


def _same_objects(back: Any, frame: Any) -> bool:
    """Whether cells that hold Python objects hold the same types, None and nan told apart."""
    for name, kind in frame.dtypes.items():
        if kind.kind == "O" and kind.name == "object":
            pairs = zip(back[name], frame[name], strict=True)
            if any(type(this) is not type(that) for this, that in pairs):
                return False
    return True


class _Sink(io.RawIOBase):
    """What pyarrow wants of a file, around something that can be written to."""

    def __init__(self, file: ArtifactWriter) -> None:
        self._file = file

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        return self._file.write(data)
