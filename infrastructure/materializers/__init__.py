"""One file per way of writing values; the order in which they are asked is `ALL`."""

from stackfold.infrastructure.materializers.any_object import CloudpickleMaterializer
from stackfold.infrastructure.materializers.json_value import JsonMaterializer
from stackfold.infrastructure.materializers.numpy_array import NumpyMaterializer
from stackfold.infrastructure.materializers.pandas_frame import PandasMaterializer
from stackfold.infrastructure.materializers.raw_bytes import BytesMaterializer

ALL = (
    BytesMaterializer(),
    JsonMaterializer(),
    NumpyMaterializer(),
    PandasMaterializer(),
    CloudpickleMaterializer(),
)
