"""Directory: a folder of files as the output or input of a step."""

import os
from collections.abc import Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

from stackfold.application.artifacts.folders import FolderView, NewFolder
from stackfold.application.artifacts.materializer import Materializer, WriteFolder, WriteValue
from stackfold.application.artifacts.own_materializers import use_materializer
from stackfold.domain.exact_json.class_finder import FindClass
from stackfold.infrastructure.system.temporary_folder import TemporaryFolder

if TYPE_CHECKING:
    from collections.abc import Iterator


class Directory(os.PathLike[str]):
    """A folder of files, to be returned by a step or taken as an input.

    A step fills `path` and returns the directory. A step that takes one reads single files by
    `open`, or uses `path`, to which all files are copied when it is first used.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        """Create a directory.

        Args:
            path: An existing folder; None for a new temporary one, which is deleted with the
                directory.
        """
        self._given = None if path is None else Path(path)
        self._stored: FolderView | None = None
        self._temporary: TemporaryFolder | None = None

    @classmethod
    def _of(cls, stored: FolderView) -> "Directory":
        directory = cls()
        directory._stored = stored
        return directory

    @cached_property
    def path(self) -> Path:
        """The folder. A stored one is copied there: changes do not change the artifact.

        Raises:
            ArtifactDamaged: A stored file is missing or was changed.
        """
        if self._given is not None:
            return self._given
        temporary = TemporaryFolder()
        if self._stored is not None:
            self._stored.copy_to(Path(temporary.name))
        self._temporary = temporary
        return Path(temporary.name)

    @property
    def files(self) -> Mapping[str, int]:
        """Path below the folder, with "/" between its parts → length in bytes."""
        if self._stored is not None and "path" not in self.__dict__:
            return self._stored.files
        found = sorted(each for each in self.path.rglob("*") if each.is_file())
        return {each.relative_to(self.path).as_posix(): each.stat().st_size for each in found}

    @contextmanager
    def open(self, file: str) -> "Iterator[BinaryIO]":
        """Open one file for reading; of a stored directory, nothing else is read.

        Args:
            file: Its path below the folder, with "/" between its parts.

        Raises:
            NotFound: A stored directory has no such file.
            ArtifactDamaged: The stored file is missing or was changed.
        """
        if self._stored is not None and "path" not in self.__dict__:
            with self._stored.open(file) as stored:
                yield stored
        else:
            with open(self.path / file, "rb") as opened:
                yield opened

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def __fspath__(self) -> str:
        return str(self.path)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Directory cannot be pickled: return it, or a list or dict of them")

    def __repr__(self) -> str:
        return f"Directory({str(self._given)!r})" if self._given else "Directory()"


class DirectoryMaterializer(Materializer):
    """Stores the files of a directory."""

    name = "directory"

    def prepare(self, value: object) -> WriteValue | WriteFolder | None:
        # The path of a stored one would be copied; it was read from a store, perhaps another.
        return WriteFolder(source=value.path) if isinstance(value, Directory) else None

    def read(self, file: BinaryIO, type_name: str, find_class: FindClass) -> Any:
        raise ValueError("it is a folder")

    def read_folder(
        self, folder: FolderView, type_name: str, find_class: FindClass, new_folder: NewFolder
    ) -> Directory:
        return Directory._of(folder)


use_materializer(DirectoryMaterializer(), Directory)
