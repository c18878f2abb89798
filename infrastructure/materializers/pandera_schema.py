"""Schemas of pandera for pandas, as JSON."""

from typing import Any, BinaryIO

from pandera.pandas import DataFrameSchema

from stackfold.application.artifacts.materializer import Materializer, WriteValue
from stackfold.application.artifacts.own_materializers import use_materializer
from stackfold.application.ports import ArtifactWriter
from stackfold.domain.exact_json.class_finder import FindClass


class PanderaMaterializer(Materializer):
    """Writes schemas that pandera's JSON preserves; those with functions are pickled."""

    name = "pandera"

    def prepare(self, value: object) -> WriteValue | None:
        if type(value) is not DataFrameSchema:
            return None
        schema: Any = value
        try:
            text = schema.to_json()
            if schema.from_json(text) != schema:
                return None
        except Exception:  # pandera raises many classes for what its JSON cannot express
            return None

        def write(file: ArtifactWriter) -> None:
            file.write(text.encode())

        return write

    def read(self, file: BinaryIO, type_name: str, find_class: FindClass) -> Any:
        schema: Any = DataFrameSchema
        return schema.from_json(file.read().decode())

    def metadata(self, value: Any) -> dict[str, Any]:
        return {"columns": [str(name) for name in value.columns]}


use_materializer(PanderaMaterializer(), DataFrameSchema)
