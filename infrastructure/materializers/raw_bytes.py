"""Bytes, unchanged."""

from typing import Any, BinaryIO

from stackfold.application.artifacts.materializer import Materializer, WriteValue
from stackfold.application.ports import ArtifactWriter
from stackfold.domain.exact_json.class_finder import FindClass


class BytesMaterializer(Materializer):
    """Writes bytes unchanged."""

    name = "bytes"

    def prepare(self, value: object) -> WriteValue | None:
        if type(value) is not bytes:
            return None

        def write(file: ArtifactWriter) -> None:
            file.write(value)

        return write

    def read(self, file: BinaryIO, type_name: str, find_class: FindClass) -> Any:
        return file.read()
