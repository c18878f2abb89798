"""Models of Keras, as `.keras` files."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import keras

from stackfold.application.artifacts.folders import FolderView, NewFolder
from stackfold.application.artifacts.materializer import Materializer, WriteFolder
from stackfold.application.artifacts.own_materializers import read_copy, use_materializer
from stackfold.domain.exact_json.class_finder import FindClass

_FILE = "model.keras"


class KerasMaterializer(Materializer):
    """Writes models whose classes Keras finds again without executing code from the store.

    Models with Lambda layers, or with classes of one's own that are not registered by
    `keras.saving.register_keras_serializable`, are pickled.
    """

    name = "keras"

    def prepare(self, value: object) -> WriteFolder | None:
        if not isinstance(value, keras.Model):
            return None
        model: Any = value
        if not model.built or not all(map(_is_known, _layers(model))):
            return None
        return WriteFolder(lambda folder: model.save(str(folder / _FILE)))

    def read(self, file: BinaryIO, type_name: str, find_class: FindClass) -> Any:
        raise ValueError("it is a folder")

    def read_folder(
        self, folder: FolderView, type_name: str, find_class: FindClass, new_folder: NewFolder
    ) -> Any:
        return read_copy(folder, _loaded, new_folder)

    def metadata(self, value: Any) -> Mapping[str, Any]:
        return {"layers": len(value.layers), "parameters": value.count_params()}

    def preview(self, value: Any) -> str:
        lines: list[str] = []
        value.summary(print_fn=lambda text, **_: lines.append(str(text)), line_length=80)
        return "\n".join(lines)


def _loaded(folder: Path) -> Any:
    return keras.saving.load_model(str(folder / _FILE), safe_mode=True)


def _layers(model: Any) -> Iterator[Any]:
    yield model
    for layer in model.layers:
        yield from _layers(layer) if isinstance(layer, keras.Model) else (layer,)


def _is_known(layer: Any) -> bool:
    kind = type(layer)
    if isinstance(layer, keras.layers.Lambda):
        return False
    if kind.__module__.partition(".")[0] == "keras":
        return True
    registered: Any = keras.saving.get_registered_name(kind)
    return keras.saving.get_registered_object(registered) is kind


use_materializer(KerasMaterializer(), keras.Model)
