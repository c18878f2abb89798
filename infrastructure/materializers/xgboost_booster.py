"""Boosters of XGBoost, in its binary JSON format."""

from typing import Any, BinaryIO

import xgboost

from stackfold.application.artifacts.materializer import Materializer, WriteValue
from stackfold.application.artifacts.own_materializers import use_materializer
from stackfold.application.ports import ArtifactWriter
from stackfold.domain.exact_json.class_finder import FindClass


class XgboostMaterializer(Materializer):
    """Writes what `Booster.save_model` writes: the trees, without parameters of the training."""

    name = "xgboost"

    def prepare(self, value: object) -> WriteValue | None:
        if type(value) is not xgboost.Booster:
            return None
        booster: Any = value

        def write(file: ArtifactWriter) -> None:
            file.write(bytes(booster.save_raw("ubj")))

        return write

    def read(self, file: BinaryIO, type_name: str, find_class: FindClass) -> Any:
        booster = xgboost.Booster()
        booster.load_model(bytearray(file.read()))
        return booster

    def metadata(self, value: Any) -> dict[str, Any]:
        return {"trees": value.num_boosted_rounds(), "features": value.num_features()}


use_materializer(XgboostMaterializer(), xgboost.Booster)
