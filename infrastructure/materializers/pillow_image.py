"""PIL images, as PNG."""

from collections.abc import Mapping
from typing import Any, BinaryIO, cast

from stackfold.application.artifacts.materializer import Materializer, WriteValue
from stackfold.application.ports import ArtifactWriter
from stackfold.domain.exact_json.class_finder import FindClass
from stackfold.infrastructure.materializers.facts import facts
from stackfold.infrastructure.materializers.sink import Sink, comes_from

_EXACT = {"1", "L", "LA", "RGB", "RGBA", "I;16"}
"""The modes of which PNG preserves every pixel."""


class PillowMaterializer(Materializer):
    """Writes the pixels of images in modes that PNG preserves; others are pickled."""

    name = "png"

    def prepare(self, value: object) -> WriteValue | None:
        if not comes_from(value, "PIL"):
            return None
        from PIL import Image

        if not isinstance(value, Image.Image) or value.mode not in _EXACT or not all(value.size):
            return None
        image = value

        def write(file: ArtifactWriter) -> None:
            image.save(cast(BinaryIO, Sink(file)), format="PNG")

        return write

    def metadata(self, value: Any) -> Mapping[str, Any]:
        return facts(value)

    def read(self, file: BinaryIO, type_name: str, find_class: FindClass) -> Any:
        from PIL import Image

        with Image.open(file, formats=["PNG"]) as image:
            # Copy while the file is open: pixels are read lazily.
            return image.copy()
