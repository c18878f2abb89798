"""numpy arrays and numbers, as .npy."""

from collections.abc import Mapping
from typing import Any, BinaryIO

from stackfold.application.artifacts.materializer import Materializer, WriteValue
from stackfold.application.ports import ArtifactWriter
from stackfold.domain.exact_json.class_finder import FindClass
from stackfold.infrastructure.materializers.facts import facts
from stackfold.infrastructure.materializers.sink import comes_from


class NumpyMaterializer(Materializer):
    """Writes numpy arrays and scalars without Python objects."""

    name = "numpy"

    def prepare(self, value: object) -> WriteValue | None:
        if not comes_from(value, "numpy"):
            return None
        import numpy

        # Subclasses, such as masked arrays, would be read back as plain arrays.
        if not isinstance(value, numpy.generic) and type(value) is not numpy.ndarray:
            return None
        array = numpy.asarray(value)
        if array.dtype.hasobject or array.dtype.metadata:
            return None

        def write(file: ArtifactWriter) -> None:
            numpy.lib.format.write_array(file, array, allow_pickle=False)

        return write

    def metadata(self, value: Any) -> Mapping[str, Any]:
        return facts(value)

    def read(self, file: BinaryIO, type_name: str, find_class: FindClass) -> Any:
        import numpy

        array = numpy.lib.format.read_array(file, allow_pickle=False)
        return array if type_name == "numpy.ndarray" else array[()]
