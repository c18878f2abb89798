"""Datasets of Hugging Face, as folders of Arrow files."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import datasets

from stackfold.application.artifacts.folders import FolderView, NewFolder
from stackfold.application.artifacts.materializer import Materializer, WriteFolder
from stackfold.application.artifacts.own_materializers import read_copy, use_materializer
from stackfold.domain.exact_json.class_finder import FindClass


class DatasetMaterializer(Materializer):
    """Writes datasets and dictionaries of them; those that are streamed are pickled."""

    name = "hf-dataset"

    def prepare(self, value: object) -> WriteFolder | None:
        if type(value) not in (datasets.Dataset, datasets.DatasetDict):
            return None
        dataset: Any = value

        def fill(folder: Path) -> None:
            with _without_progress_bars():
                dataset.save_to_disk(str(folder))

        return WriteFolder(fill)

    def read(self, file: BinaryIO, type_name: str, find_class: FindClass) -> Any:
        raise ValueError("it is a folder")

    def read_folder(
        self, folder: FolderView, type_name: str, find_class: FindClass, new_folder: NewFolder
    ) -> Any:
        # The files are mapped into memory, and read when rows are used.
        return read_copy(folder, lambda path: datasets.load_from_disk(str(path)), new_folder)

    def metadata(self, value: Any) -> dict[str, Any]:
        splits = value if isinstance(value, datasets.DatasetDict) else {"": value}
        rows = {name: len(each) for name, each in splits.items()}
        columns = [*dict.fromkeys(each for split in splits.values() for each in split.column_names)]
        return {"rows": rows.get("", rows), "columns": columns}


@contextmanager
def _without_progress_bars() -> Iterator[None]:
    shown = not datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            datasets.enable_progress_bars()


use_materializer(DatasetMaterializer(), datasets.Dataset, datasets.DatasetDict)
