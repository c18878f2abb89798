"""matplotlib figures, as PNG; they are read back as pictures."""

from typing import Any, BinaryIO, cast

from stackfold.application.artifacts.materializer import Materializer, WriteValue
from stackfold.application.ports import ArtifactWriter
from stackfold.domain.exact_json.class_finder import FindClass
from stackfold.infrastructure.materializers.pillow_image import PillowMaterializer
from stackfold.infrastructure.materializers.sink import Sink, comes_from


class MatplotlibMaterializer(Materializer):
    """Renders a figure. Only a pickle, which depends on the version, would stay editable."""

    name = "figure-png"

    def prepare(self, value: object) -> WriteValue | None:
        if not comes_from(value, "matplotlib"):
            return None
        from matplotlib.figure import Figure

        if not isinstance(value, Figure):
            return None
        figure = value

        def write(file: ArtifactWriter) -> None:
            # Omit the metadata that differs between equal figures.
            figure.savefig(cast(BinaryIO, Sink(file)), format="png", metadata={"Software": None})

        return write

    def read(self, file: BinaryIO, type_name: str, find_class: FindClass) -> Any:
        return PillowMaterializer().read(file, type_name, find_class)
