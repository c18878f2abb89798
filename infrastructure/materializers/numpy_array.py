"""numpy arrays and numbers, as .npy."""

from collections.abc import Callable
from typing import Any, BinaryIO

from stackfold.application.ports import ArtifactWriter, FindClass, Materializer


class NumpyMaterializer(Materializer):
    """Writes arrays and single numbers of numpy, but none that hold Python objects."""

    name = "numpy"

    def prepare(self, value: object) -> Callable[[ArtifactWriter], object] | None:
        if type(value).__module__.partition(".")[0] != "numpy":
            return None
        import numpy

        # Subclasses, such as masked arrays, would come back as plain arrays.
        if not isinstance(value, numpy.generic) and type(value) is not numpy.ndarray:
            return None
        array = numpy.asarray(value)
        if array.dtype.hasobject or array.dtype.metadata:
            return None
        return lambda file: numpy.lib.format.write_array(file, array, allow_pickle=False)

    def read(self, file: BinaryIO, type_name: str, find_class: FindClass) -> Any:
        import numpy

        array = numpy.lib.format.read_array(file, allow_pickle=False)
        return array if type_name == "numpy.ndarray" else array[()]
