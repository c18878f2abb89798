"""pyarrow tables and record batches, as an Arrow stream."""

from collections.abc import Mapping
from typing import Any, BinaryIO

from stackfold.application.artifacts.materializer import Materializer, WriteValue
from stackfold.application.ports import ArtifactWriter
from stackfold.domain.exact_json.class_finder import FindClass
from stackfold.infrastructure.materializers.facts import facts
from stackfold.infrastructure.materializers.sink import Sink, comes_from


class ArrowMaterializer(Materializer):
    """Writes tables of all Arrow types, with their chunks and metadata.

    Not as Parquet, which loses chunks and some types.
    """

    name = "arrow"

    def prepare(self, value: object) -> WriteValue | None:
        if not comes_from(value, "pyarrow"):
            return None
        import pyarrow

        if type(value) not in (pyarrow.Table, pyarrow.RecordBatch):
            return None
        table: Any = value

        def write(file: ArtifactWriter) -> None:
            with pyarrow.ipc.new_stream(Sink(file), table.schema) as stream:
                stream.write(table)

        return write

    def metadata(self, value: Any) -> Mapping[str, Any]:
        return facts(value)

    def read(self, file: BinaryIO, type_name: str, find_class: FindClass) -> Any:
        import pyarrow

        with pyarrow.ipc.open_stream(file) as stream:
            table = stream.read_all()
        return table.to_batches()[0] if type_name.endswith("RecordBatch") else table
