"""polars frames and series, as Parquet."""

from collections.abc import Mapping
from typing import Any, BinaryIO

from stackfold.application.artifacts.materializer import Materializer, WriteValue
from stackfold.application.ports import ArtifactWriter
from stackfold.domain.exact_json.class_finder import FindClass
from stackfold.infrastructure.materializers.facts import facts
from stackfold.infrastructure.materializers.sink import Sink, comes_from

_INEXACT = ("Object", "Unknown")
"""Types that Parquet cannot store."""


class PolarsMaterializer(Materializer):
    """Writes frames and series; a lazy frame, which has no data, is pickled."""

    name = "polars"

    def prepare(self, value: object) -> WriteValue | None:
        if not comes_from(value, "polars"):
            return None
        import polars

        frame: Any = value
        if type(value) is polars.Series:
            frame = value.to_frame()
        elif type(value) is not polars.DataFrame:
            return None
        # Parquet cannot store the height of a frame without columns.
        if not frame.width or any(_inexact(kind) for kind in frame.dtypes):
            return None

        def write(file: ArtifactWriter) -> None:
            frame.write_parquet(Sink(file))

        return write

    def metadata(self, value: Any) -> Mapping[str, Any]:
        return facts(value)

    def read(self, file: BinaryIO, type_name: str, find_class: FindClass) -> Any:
        import polars

        frame = polars.read_parquet(file)
        return frame.to_series() if type_name.endswith("Series") else frame


def _inexact(kind: Any) -> bool:
    inner = [getattr(kind, "inner", None), *(each.dtype for each in getattr(kind, "fields", ()))]
    return str(kind) in _INEXACT or any(_inexact(each) for each in inner if each is not None)
