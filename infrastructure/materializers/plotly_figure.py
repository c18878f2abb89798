"""plotly figures, as an HTML page that embeds the figure's JSON."""

import base64
import json
import re
from typing import Any, BinaryIO

from stackfold.application.artifacts.content import FIGURE_BEGIN, FIGURE_END
from stackfold.application.artifacts.materializer import Materializer, WriteValue
from stackfold.application.ports import ArtifactWriter
from stackfold.domain.exact_json.class_finder import FindClass
from stackfold.infrastructure.materializers.sink import comes_from

_FIGURE = re.compile(re.escape(FIGURE_BEGIN) + b"(.*?)" + re.escape(FIGURE_END), re.DOTALL)


class PlotlyMaterializer(Materializer):
    """Writes an HTML page that browsers display, and that can be read back as the figure.

    The page loads plotly's script from its CDN, which keeps the page small.
    """

    name = "figure-html"

    def prepare(self, value: object) -> WriteValue | None:
        if not comes_from(value, "plotly"):
            return None
        from plotly import io
        from plotly.graph_objects import Figure

        if type(value) is not Figure:
            return None
        figure: Any = value

        def write(file: ArtifactWriter) -> None:
            # A constant id, so that equal figures are equal bytes.
            include: Any = "cdn"  # of what it accepts, pyright infers only bool
            page = io.to_html(figure, include_plotlyjs=include, div_id="figure")
            file.write(page.encode())
            # Escape slashes, so that no text in the JSON can end the script element.
            file.write(FIGURE_BEGIN + figure.to_json().replace("</", "<\\/").encode())
            file.write(FIGURE_END)

        return write

    def read(self, file: BinaryIO, type_name: str, find_class: FindClass) -> Any:
        from plotly.graph_objects import Figure

        found = _FIGURE.findall(file.read())
        if not found:
            raise ValueError("it contains no figure")
        return Figure(_with_arrays(json.loads(found[-1])))


def _with_arrays(value: Any) -> Any:
    """Replace the encoded arrays in plotly's JSON by numpy arrays."""
    if isinstance(value, list):
        return [_with_arrays(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value.keys() - {"shape"} == {"dtype", "bdata"}:
        import numpy

        array = numpy.frombuffer(base64.b64decode(value["bdata"]), value["dtype"])
        shape = str(value.get("shape", array.size)).split(",")
        return array.reshape([int(length) for length in shape])
    return {key: _with_arrays(each) for key, each in value.items()}
