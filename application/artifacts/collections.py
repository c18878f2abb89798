"""Lists, tuples and dictionaries of values that need materializers of their own."""

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

from stackfold.application.artifacts.folders import FolderView, NewFolder, copy_folder
from stackfold.application.artifacts.materializer import Materializer, WriteFolder, WriteValue
from stackfold.application.ports import ArtifactWriter
from stackfold.domain.errors import PickleForbidden
from stackfold.domain.exact_json.class_finder import FindClass, type_name
from stackfold.domain.exact_json.decoding import Decoder
from stackfold.domain.exact_json.encoding import JSON_ENCODER, Encoder, NoExactForm

if TYPE_CHECKING:
    from stackfold.application.artifacts.materializers import Materializers

MOST_ELEMENTS = 10_000
"""Longer collections are pickled."""
_ENCODER = Encoder()
_INDEX = "collection.json"
_FORMAT = "stackfold.collection.v1"
_KINDS: Mapping[str, Callable[[list[tuple[Any, Any]]], Any]] = {
    "list": lambda pairs: [value for _, value in pairs],
    "tuple": lambda pairs: tuple(value for _, value in pairs),
    "dict": dict,
}


class _Element(NamedTuple):
    key: str | dict[str, str] | None
    """None in a sequence; the exact JSON of keys that are no texts."""
    type: str
    materializer: Materializer
    write: WriteValue | WriteFolder


class CollectionMaterializer(Materializer):
    """Writes each element by its own materializer, to a file or folder; none of them is a pickle.

    A value that several elements share is written and read back once for each.
    """

    name = "collection"

    def __init__(self, materializers: "Materializers") -> None:
        """Create the materializer.

        Args:
            materializers: Write and read the elements.
        """
        self._materializers = materializers

    def prepare(self, value: object, chosen: str = "") -> WriteFolder | None:
        """Return what writes a collection, or None if it has to be pickled.

        Args:
            value: The collection.
            chosen: The name of a materializer that has to write elements; empty for none.
        """
        kind = type(value).__name__
        if type(value) not in (list, tuple, dict):
            return None
        collection = cast("list[Any] | tuple[Any, ...] | dict[Any, Any]", value)
        if not 0 < len(collection) <= MOST_ELEMENTS:
            return None
        pairs: Iterable[tuple[Any, Any]] = ((None, each) for each in collection)
        try:
            if isinstance(collection, dict):
                pairs = [(_recorded(key), each) for key, each in collection.items()]
            elements = [
                _Element(key, type_name(type(each)), *self._prepared(each, chosen))
                for key, each in pairs
            ]
        except (PickleForbidden, NoExactForm, TypeError, RecursionError):
            return None
        if chosen and not any(each.materializer.name in (chosen, self.name) for each in elements):
            return None
        return WriteFolder(lambda folder: _write(kind, elements, folder))

    def _prepared(
        self, element: object, chosen: str
    ) -> tuple[Materializer, WriteValue | WriteFolder]:
        if chosen:
            with suppress(TypeError):  # the chosen one is not for this element
                return self._materializers.prepare(element, chosen)
        return self._materializers.prepare(element)

    def read(self, file: BinaryIO, type_name: str, find_class: FindClass) -> Any:
        raise ValueError("it is a folder")

    def read_folder(
        self, folder: FolderView, type_name: str, find_class: FindClass, new_folder: NewFolder
    ) -> Any:
        with folder.open(_INDEX) as file:
            index = json.loads(file.read())
        if index["format"] != _FORMAT:
            raise ValueError("it was written by a newer version")
        rows = {path: (name, kind) for _, name, kind, path in index["elements"]}
        readers = {
            path: self._materializers.named(name, folder.uri, kind)
            for path, (name, kind) in rows.items()
        }
        values = {}
        for path, file in folder.walk([each for each in rows if each in folder.files]):
            values[path] = readers[path].read(file, rows[path][1], find_class)
        for path in rows.keys() - values.keys():
            below = folder.below(path)
            values[path] = readers[path].read_folder(below, rows[path][1], find_class, new_folder)
        pairs = [(_key(key, find_class), values[path]) for key, _, _, path in index["elements"]]
        return _KINDS[index["type"]](pairs)


def _recorded(key: Any) -> str | dict[str, str]:
    """Return a key as the index has it; raises NoExactForm if only a pickle stores it."""
    return key if type(key) is str else {"exact": JSON_ENCODER.encode(_ENCODER.encode(key))}


def _key(recorded: Any, find_class: FindClass) -> Any:
    if not isinstance(recorded, dict):
        return recorded
    return json.loads(recorded["exact"], object_hook=Decoder(find_class).decoded)


def _write(kind: str, elements: list[_Element], folder: Path) -> None:
    rows = []
    for at, each in enumerate(elements):
        path = f"{at:05}"
        rows.append([each.key, each.materializer.name, each.type, path])
        if not isinstance(each.write, WriteFolder):
            with (folder / path).open("wb") as file:
                each.write(cast(ArtifactWriter, file))
            continue
        (folder / path).mkdir()
        if each.write.source is not None:
            copy_folder(each.write.source, folder / path)
        elif each.write.fill is not None:
            each.write.fill(folder / path)
    index = {"format": _FORMAT, "type": kind, "elements": rows}
    (folder / _INDEX).write_text(json.dumps(index))
