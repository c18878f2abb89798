"""Plain values, data classes and pydantic models, as JSON that keeps their types.

The format is described in `stackfold.domain.exact_json`. Values without an exact form are left to
other materializers.
"""

import json
from typing import Any, BinaryIO

from stackfold.application.artifacts.materializer import Materializer, WriteValue
from stackfold.application.ports import ArtifactWriter
from stackfold.domain.exact_json.class_finder import FindClass, class_finder
from stackfold.domain.exact_json.decoding import Decoder
from stackfold.domain.exact_json.display import readable
from stackfold.domain.exact_json.encoding import JSON_ENCODER, Encoder, NoExactForm

_ENCODER = Encoder()


class JsonMaterializer(Materializer):
    """Writes None, bool, int, float, str, list, dict, tuple, set and combinations of them."""

    name = "json"

    def prepare(self, value: object) -> WriteValue | None:
        try:
            text = JSON_ENCODER.encode(_ENCODER.encode(value))
        except (NoExactForm, RecursionError):
            return None

        def write(file: ArtifactWriter) -> None:
            file.write(text.encode())

        return write

    def read(self, file: BinaryIO, type_name: str, find_class: FindClass) -> Any:
        data = file.read()
        if b'"$' not in data:
            return json.loads(data)
        return json.loads(data, object_hook=Decoder(find_class).decoded)

    def show(self, file: BinaryIO, type_name: str) -> Any:
        decoder = Decoder(class_finder(), shows_unknown=True)
        return readable(json.loads(file.read(), object_hook=decoder.decoded))
