"""Models and tokenizers of Hugging Face transformers, as the folders of `save_pretrained`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import transformers

from stackfold.application.artifacts.folders import FolderView, NewFolder
from stackfold.application.artifacts.materializer import Materializer, WriteFolder
from stackfold.application.artifacts.own_materializers import read_copy, use_materializer
from stackfold.domain.exact_json.class_finder import FindClass, type_name

_BASES = (transformers.PreTrainedModel, transformers.PreTrainedTokenizerBase)


class TransformersMaterializer(Materializer):
    """Writes models and tokenizers of classes of the library, with weights as safetensors.

    Those of classes of one's own are pickled. Nothing is loaded from a hub, and no code from the
    folder is executed. Models are read back to the CPU, in evaluation mode.
    """

    name = "transformers"

    def prepare(self, value: object) -> WriteFolder | None:
        if not isinstance(value, _BASES) or _class_of(type_name(type(value))) is not type(value):
            return None
        saved: Any = value
        return WriteFolder(lambda folder: _save(saved, folder))

    def read(self, file: BinaryIO, type_name: str, find_class: FindClass) -> Any:
        raise ValueError("it is a folder")

    def read_folder(
        self, folder: FolderView, type_name: str, find_class: FindClass, new_folder: NewFolder
    ) -> Any:
        kind = _class_of(type_name)
        if kind is None:
            raise ValueError(f"transformers {transformers.__version__} has no class {type_name}")
        return read_copy(
            folder, lambda path: kind.from_pretrained(str(path), local_files_only=True), new_folder
        )

    def metadata(self, value: Any) -> Mapping[str, Any]:
        if isinstance(value, transformers.PreTrainedModel):
            model: Any = value
            return {"architecture": type(value).__name__, "parameters": model.num_parameters()}
        return {"vocabulary": len(value)}


def _save(value: Any, folder: Path) -> None:
    value.save_pretrained(str(folder))


def _class_of(name: str) -> Any:
    """The public class of the library with a full name; None if there is none."""
    if not name.startswith("transformers."):
        return None
    kind = getattr(transformers, name.rpartition(".")[2], None)
    known = isinstance(kind, type) and issubclass(kind, _BASES) and type_name(kind) == name
    return kind if known else None


use_materializer(TransformersMaterializer(), *_BASES)
