"""The files and folders of this machine that are registered as artifacts."""

import os
import stat
from pathlib import Path
from typing import BinaryIO

from stackfold.application.artifacts.external_artifacts import Source
from stackfold.domain.errors import InvalidFile
from stackfold.infrastructure.files.regular_file import open_regular, regular_file


class ExternalSources:
    """Implements `Sources`."""

    def find(self, text: str) -> Source:
        """Return the file or folder at a path."""
        path = Path(text).expanduser()
        try:
            status = os.lstat(path)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "its name is invalid"
            raise InvalidFile(text, f"cannot be read: {reason}") from error
        is_folder = stat.S_ISDIR(status.st_mode)
        if not is_folder:
            regular_file(path)
        return Source(Path(os.path.realpath(path)), is_folder, status.st_size)

    def open(self, path: Path) -> BinaryIO:
        """Open a file."""
        return open_regular(path)

    def folder(self, path: Path) -> object:
        """Return a directory of the files in a folder."""
        from stackfold.infrastructure.materializers.directory import Directory

        return Directory(path)
