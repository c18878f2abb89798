"""Bytes, as they are."""

from collections.abc import Callable
from typing import Any, BinaryIO

from stackfold.application.ports import ArtifactWriter, FindClass, Materializer


class BytesMaterializer(Materializer):
    """Writes bytes as they are."""

    name = "bytes"

    def prepare(self, value: object) -> Callable[[ArtifactWriter], object] | None:
        if type(value) is not bytes:
            return None
        return lambda file: file.write(value)

    def read(self, file: BinaryIO, type_name: str, find_class: FindClass) -> Any:
        return file.read()
