"""Estimators of scikit-learn in the format of skops, where a step chooses it."""

import io
from collections.abc import Mapping
from typing import Any, BinaryIO

import skops.io

from stackfold.application.artifacts.materializer import Materializer, WriteValue
from stackfold.application.artifacts.own_materializers import use_materializer
from stackfold.application.ports import ArtifactWriter
from stackfold.domain.exact_json.class_finder import FindClass
from stackfold.infrastructure.materializers.facts import facts

_MOST_NAMED = 3


class SkopsMaterializer(Materializer):
    """Writes estimators of which skops trusts all types, so that reading executes no code."""

    name = "skops"

    def prepare(self, value: object) -> WriteValue | None:
        if not callable(getattr(value, "get_params", None)) or isinstance(value, type):
            return None
        data = skops.io.dumps(value)
        if untrusted := skops.io.get_untrusted_types(data=data):
            named = ", ".join(untrusted[:_MOST_NAMED])
            raise TypeError(f"skops does not trust {named}: let it be pickled")

        def write(file: ArtifactWriter) -> None:
            file.write(data)

        return write

    def read(self, file: BinaryIO, type_name: str, find_class: FindClass) -> Any:
        # Only types that skops trusts: it raises UntrustedTypesFoundException for others.
        return skops.io.load(io.BytesIO(file.read()))

    def metadata(self, value: Any) -> Mapping[str, Any]:
        return facts(value)


use_materializer(SkopsMaterializer())
