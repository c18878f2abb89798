"""Materializers: a file per format of values; `ALL` is the order in which they are tried.

Start with `json_value.py`.
"""

from stackfold.infrastructure.materializers.any_object import CloudpickleMaterializer
from stackfold.infrastructure.materializers.arrow_table import ArrowMaterializer
from stackfold.infrastructure.materializers.json_value import JsonMaterializer
from stackfold.infrastructure.materializers.matplotlib_figure import MatplotlibMaterializer
from stackfold.infrastructure.materializers.numpy_array import NumpyMaterializer
from stackfold.infrastructure.materializers.pandas_frame import PandasMaterializer
from stackfold.infrastructure.materializers.pillow_image import PillowMaterializer
from stackfold.infrastructure.materializers.plotly_figure import PlotlyMaterializer
from stackfold.infrastructure.materializers.polars_frame import PolarsMaterializer
from stackfold.infrastructure.materializers.raw_bytes import BytesMaterializer

ALL = (
    BytesMaterializer(),
    JsonMaterializer(),
    NumpyMaterializer(),
    PandasMaterializer(),
    PolarsMaterializer(),
    ArrowMaterializer(),
    PillowMaterializer(),
    MatplotlibMaterializer(),
    PlotlyMaterializer(),
    CloudpickleMaterializer(),
)
