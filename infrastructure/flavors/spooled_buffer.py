"""Bytes that are digested on their way to or from a store on other machines."""

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
    """Bytes of which the digest must be known before they are stored, or given to anybody.

    A few are kept in memory, more in a temporary file, which goes when the block ends.
    """

    stored: StoredArtifact

    def __init__(self, few: int) -> None:
        """Keep up to `few` bytes in memory."""
        self.data = io.BytesIO()
        """The bytes, while they are few."""
        self.path: Path | None = None
        """The file in which they lie, once they are many."""
        self.size = 0
        self.digest = ""
        """Their sha256 in hexadecimal, once they are all there."""
        self._few = few
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
        with _in_plain_words():
            if self._file is None and self.size + len(view) > self._few:
                self._move_to_a_file()
            (self._file or self.data).write(view)
        self._hash.update(view)
        self.size += len(view)
        return len(view)

    def finish(self) -> None:
        """No more is written."""
        self.digest = self._hash.hexdigest()
        if self._file is not None:
            with _in_plain_words():
                self._file.flush()

    def back(self) -> BinaryIO:
        """The bytes, from the beginning."""
        file = self._file or self.data
        file.seek(0)
        return file

    def _move_to_a_file(self) -> None:
        # It has a name, as the client library reads it by itself, in parts.
        descriptor, name = tempfile.mkstemp(prefix="stackfold-")
        self.path = Path(name)
        self._file = open(descriptor, "w+b")  # noqa: SIM115  # closed when the block ends
        self._file.write(self.data.getbuffer())
        self.data = io.BytesIO()


@contextmanager
def _in_plain_words() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        folder = tempfile.gettempdir()
        problem = f"{error.strerror}: artifacts are gathered there, TMPDIR chooses another folder"
        raise ArtifactStoreUnavailable(folder, problem) from error
