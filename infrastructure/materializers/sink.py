"""Sink: adapts an ArtifactWriter to the file interface that libraries expect."""

import io
from typing import Any

from stackfold.application.ports import ArtifactWriter


class Sink(io.RawIOBase):
    """A binary file that can only be appended to."""

    def __init__(self, file: ArtifactWriter) -> None:
        """Create the adapter; closing it does not close `file`."""
        self._file = file
        self._position = 0

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: Any, /) -> int:
        """Append bytes."""
        written = self._file.write(data)
        self._position += written
        return written

    def tell(self) -> int:
        """Return the number of bytes written."""
        return self._position


def comes_from(value: object, library: str) -> bool:
    """Whether the class of a value is defined in a library, without importing it."""
    return type(value).__module__.partition(".")[0] == library
