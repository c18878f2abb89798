"""Boosters of LightGBM, in its text format."""

from typing import Any, BinaryIO

import lightgbm

from stackfold.application.artifacts.materializer import Materializer, WriteValue
from stackfold.application.artifacts.own_materializers import use_materializer
from stackfold.application.ports import ArtifactWriter
from stackfold.domain.exact_json.class_finder import FindClass


class LightgbmMaterializer(Materializer):
    """Writes what `Booster.save_model` writes: the trees up to the best iteration."""

    name = "lightgbm"

    def prepare(self, value: object) -> WriteValue | None:
        if type(value) is not lightgbm.Booster:
            return None
        booster: Any = value

        def write(file: ArtifactWriter) -> None:
            file.write(booster.model_to_string().encode())

        return write

    def read(self, file: BinaryIO, type_name: str, find_class: FindClass) -> Any:
        return lightgbm.Booster(model_str=file.read().decode())

    def metadata(self, value: Any) -> dict[str, Any]:
        return {"trees": value.num_trees(), "features": value.num_feature()}


use_materializer(LightgbmMaterializer(), lightgbm.Booster)
