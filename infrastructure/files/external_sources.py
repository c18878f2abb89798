"""The files and folders of this machine that are registered as artifacts."""

import os
import re
import stat
from pathlib import Path
from typing import BinaryIO

from stackfold.application.artifacts.external_artifacts import InPlace, Source
from stackfold.domain.errors import InvalidFile
from stackfold.infrastructure.files.regular_file import open_regular, regular_file

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://", re.ASCII)


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

    def address(self, text: str) -> str:
        """Return an address without passwords and query; empty if a text is a path."""
        found = _ADDRESS.match(text)
        if not found:
            return ""
        host, slash, path = text[found.end() :].partition("/")
        shown = f"{host.rpartition('@')[2]}{slash}{path}"
        return found.group() + re.split("[?#]", shown, maxsplit=1)[0]

    def in_place(self, path: Path) -> InPlace:
        """Return how a file is read that stays where it is: by a local store in its folder."""
        return InPlace(path.as_uri(), "local", {"path": str(path.parent)})
