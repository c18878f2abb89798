"""SpooledBuffer: buffers bytes on their way to or from a remote store, and digests them."""

import hashlib
import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Self

from stackfold.application.ports import StoredArtifact
from stackfold.domain.errors import ArtifactStoreUnavailable


class SpooledBuffer:
    """Buffers bytes whose digest must be known before they are stored or read.

    Up to a limit they are buffered in memory, beyond it in a temporary file that is deleted when
    the block ends.
    """

    stored: StoredArtifact

    def __init__(self, max_in_memory: int) -> None:
        """Create a buffer that holds up to `max_in_memory` bytes in memory."""
        self.data = io.BytesIO()
        """The bytes, while they are in memory."""
        self.path: Path | None = None
        """The temporary file, once it is used."""
        self.size = 0
        self.digest = ""
        """sha256 in hexadecimal; set by `finish`."""
        self._max_in_memory = max_in_memory
        self._file: BinaryIO | None = None
        self._hash = hashlib.sha256()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def write(self, data: bytes | memoryview, /) -> int:
        """Append bytes."""
        view = memoryview(data).cast("B")
        with _file_errors():
            if self._file is None and self.size + len(view) > self._max_in_memory:
                self._move_to_a_file()
            (self._file or self.data).write(view)
        self._hash.update(view)
        self.size += len(view)
        return len(view)

    def finish(self) -> None:
        """End writing: set the digest, and flush the file."""
        self.digest = self._hash.hexdigest()
        if self._file is not None:
            with _file_errors():
                self._file.flush()

    def reader(self) -> BinaryIO:
        """Return the bytes as a file, at its beginning."""
        file = self._file or self.data
        file.seek(0)
        return file

    def _move_to_a_file(self) -> None:
        # A named file: the client library opens and reads it in parts.
        descriptor, name = tempfile.mkstemp(prefix="stackfold-")
        self.path = Path(name)
        self._file = open(descriptor, "w+b")  # noqa: SIM115  # closed when the block ends
        self._file.write(self.data.getbuffer())
        self.data = io.BytesIO()


@contextmanager
def _file_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        folder = tempfile.gettempdir()
        problem = (
            f"{error.strerror}: artifacts are buffered there, set TMPDIR to use another folder"
        )
        raise ArtifactStoreUnavailable(folder, problem) from error
