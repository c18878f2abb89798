"""plotly figures, as a page of HTML that also holds the figure's own JSON."""

import re
from typing import Any, BinaryIO

from stackfold.application.materializer import FindClass, Materializer, WriteValue
from stackfold.application.ports import ArtifactWriter
from stackfold.infrastructure.materializers.sink import comes_from

_BEGIN, _END = b'<script type="application/json" id="stackfold-figure">', b"</script>"
_FIGURE = re.compile(re.escape(_BEGIN) + b"(.*?)" + re.escape(_END), re.DOTALL)


class PlotlyMaterializer(Materializer):
    """Writes a page that a browser shows, and that can be read back as the figure.

    The page loads plotly's script from its own address, which keeps it small.
    """

    name = "figure-html"

    def prepare(self, value: object) -> WriteValue | None:
        if not comes_from(value, "plotly"):
            return None
        from plotly import io
        from plotly.graph_objects import Figure

        if type(value) is not Figure:
            return None
        figure = value

        def write(file: ArtifactWriter) -> None:
            # Always the same id, so that equal figures are equal bytes.
            page = io.to_html(figure, include_plotlyjs="cdn", div_id="figure")
            file.write(page.encode())
            # In JSON a slash may be escaped, and then no text in it can end the script.
            file.write(_BEGIN + figure.to_json().replace("</", "<\\/").encode() + _END)

        return write

    def read(self, file: BinaryIO, type_name: str, find_class: FindClass) -> Any:
        from plotly import io

        found = _FIGURE.findall(file.read())
        if not found:
            raise ValueError("it holds no figure")
        return io.from_json(found[-1].decode())
