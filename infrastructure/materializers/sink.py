"""What libraries want of a file, around something that can be written to."""

import io
from typing import Any

from stackfold.application.ports import ArtifactWriter


class Sink(io.RawIOBase):
    """A binary file that can only be written to, from beginning to end."""

    def __init__(self, file: ArtifactWriter) -> None:
        """Write to `file`, which stays open when this is closed."""
        self._file = file
        self._position = 0

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: Any, /) -> int:
        """Append bytes."""
        written = self._file.write(data)
        self._position += written
        return written

    def tell(self) -> int:
        """How much was written; some libraries ask, none may go back."""
        return self._position


def comes_from(value: object, library: str) -> bool:
    """Whether a value's class is one of a library's; nothing is imported to tell."""
    return type(value).__module__.partition(".")[0] == library
