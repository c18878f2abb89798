"""Materializers of installed packages, imported when a value may need them."""

import sys
from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from stackfold.domain.errors import InvalidMaterializer

if TYPE_CHECKING:
    from importlib.metadata import EntryPoints

ENTRY_POINTS = "stackfold.materializers"
"""The entry-point group: `<top-level module> = module`. Importing the module on the right registers
the materializers of classes from the module on the left, by the decorator `materializer`."""


_OURS = {
    "stackfold": "directory validation_report",
    "collections": "torch_tensor",  # state dicts are ordered dictionaries
    "datasets": "hugging_face_dataset",
    "keras": "keras_model",
    "lightgbm": "lightgbm_booster",
    "onnx": "onnx_model",
    "pandera": "pandera_schema",
    "safetensors": "safetensors_file",
    "skops": "skops_file",
    "torch": "torch_tensor",
    "transformers": "transformers_model",
    "validation-report": "validation_report",
    "xgboost": "xgboost_booster",
}
"""Top-level module, or name of a materializer → our modules that register materializers."""


def load(module: str | None) -> None:
    """Import the materializers for classes of a top-level module; all of them for None.

    Raises:
        InvalidMaterializer: A module cannot be imported.
    """
    if module in _OURS and (module != "collections" or "torch" in sys.modules):
        for name in _OURS[module].split():
            with suppress(ImportError):  # what it is for is not installed, or is too old
                import_module(f"stackfold.infrastructure.materializers.{name}")
    for point in _shipped():
        if module in (None, point.name):
            try:
                point.load()
            except Exception as error:
                line = " ".join(f"{type(error).__name__}: {error}".split())
                raise InvalidMaterializer(point.value, f"importing it failed: {line}") from error


@cache
def _shipped() -> "EntryPoints":
    from importlib.metadata import entry_points

    return entry_points(group=ENTRY_POINTS)
