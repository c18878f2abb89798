"""ONNX models, as the files that every runtime for them reads."""

from typing import Any, BinaryIO

import onnx

from stackfold.application.artifacts.materializer import Materializer, WriteValue
from stackfold.application.artifacts.own_materializers import use_materializer
from stackfold.application.ports import ArtifactWriter
from stackfold.domain.exact_json.class_finder import FindClass


class OnnxMaterializer(Materializer):
    """Writes a model of at most 2 GiB, which is the limit of its format."""

    name = "onnx"

    def prepare(self, value: object) -> WriteValue | None:
        if type(value) is not onnx.ModelProto:
            return None
        model: Any = value

        def write(file: ArtifactWriter) -> None:
            file.write(model.SerializeToString(deterministic=True))

        return write

    def read(self, file: BinaryIO, type_name: str, find_class: FindClass) -> Any:
        return onnx.load_model_from_string(file.read())

    def metadata(self, value: Any) -> dict[str, Any]:
        return {
            "operators": len(value.graph.node),
            "inputs": [each.name for each in value.graph.input],
            "outputs": [each.name for each in value.graph.output],
        }


use_materializer(OnnxMaterializer(), onnx.ModelProto)
