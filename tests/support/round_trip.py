"""Writes a value with its materializer, and reads it back."""

import io
from typing import Any

from stackfold.application.artifacts.materializers import Materializers
from stackfold.domain.exact_json.class_finder import class_finder, type_name
from stackfold.infrastructure.materializers import ALL, shipped
from stackfold.infrastructure.system.temporary_folder import TemporaryFolder

MATERIALIZERS = Materializers(ALL, shipped.load, TemporaryFolder)


def stored(value: object) -> tuple[str, bytes]:
    """The materializer's name, and the bytes it wrote."""
    file = io.BytesIO()
    materializer, write = MATERIALIZERS.prepare(value)
    write(file)
    return materializer.name, file.getvalue()


def round_trip(value: object, hint: Any = Any) -> tuple[str, Any]:
    """The materializer's name, and the value it read back."""
    name, written = stored(value)
    reader = MATERIALIZERS.named(name, "the artifact")
    file = io.BytesIO(written)
    return name, reader.read(file, type_name(type(value)), class_finder(hint))
