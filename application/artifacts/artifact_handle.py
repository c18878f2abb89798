"""ArtifactHandle: an input of a step that is not loaded, but read when the step wants to."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, get_args

from stackfold.application.artifacts.folders import TemporaryFolder, open_folder
from stackfold.application.artifacts.materializers import Materializers
from stackfold.application.artifacts.values import read
from stackfold.application.ports import ArtifactStore
from stackfold.domain.errors import InvalidFolder
from stackfold.domain.runs.artifact import Artifact

_PART = 2**20


class ArtifactHandle:
    """An artifact that a step takes without loading it: `def index(data: ArtifactHandle)`.

    The step is cached as with the value: by the digest of the artifact.

    Attributes:
        uri: The address in the artifact store.
        digest: sha256 of the stored bytes, in hexadecimal.
        size: Length in bytes; of a folder, that of its files together.
        type: The Python type of the value, as "module.Class".
        files: The number of files of a folder; None for a single file.
    """

    def __init__(
        self, artifact: Artifact, store: ArtifactStore, materializers: Materializers
    ) -> None:
        """Create a handle; steps get one for an input that is annotated with the class.

        Args:
            artifact: The recorded artifact.
            store: The store that contains it.
            materializers: One of them can read the value.
        """
        self.uri = artifact.uri
        self.digest = artifact.digest
        self.size = artifact.size
        self.type = artifact.type
        self.files = artifact.files
        self._artifact, self._store, self._materializers = artifact, store, materializers
        self._temporary: TemporaryFolder | None = None

    def __repr__(self) -> str:
        return f"<ArtifactHandle {self.uri}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an ArtifactHandle cannot be stored: return the value that it stands for")

    def load(self) -> Any:
        """Return the value.

        Raises:
            ArtifactDamaged: It is missing or damaged, or a library is missing.
            PickleForbidden: It is a pickle, and pickles are refused.
            UnknownClass: Its class is not imported in this program.
        """
        return read(self._artifact, self._store, self._materializers)

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Open the stored bytes, after their digest was checked.

        Raises:
            InvalidFolder: It is a folder.
            ArtifactDamaged: The bytes are missing or were changed.
        """
        if self.files is not None:
            raise InvalidFolder(self.uri, "has several files: use path()")
        with self._store.open(self.uri, self.digest) as file:
            yield file

    def path(self) -> Path:
        """Copy the stored file or folder, and return the path of the copy.

        The copy is deleted when the step and the handle are gone. It is made once.

        Raises:
            ArtifactDamaged: The bytes are missing or were changed.
        """
        if self._temporary is None:
            temporary = self._materializers.new_folder()
            target = Path(temporary.name) / "artifact"
            if self._artifact.manifest is not None:
                target.mkdir()
                view = open_folder(self._store, self.uri, self.digest, self._artifact.manifest)
                view.copy_to(target)
            else:
                with self.open() as stored, target.open("wb") as file:
                    while part := stored.read(_PART):
                        file.write(part)
            self._temporary = temporary
        return Path(self._temporary.name) / "artifact"


def takes_handle(hint: Any) -> bool:
    """Whether an input with a type hint takes the handle, alone or in a collection."""
    return hint is ArtifactHandle or ArtifactHandle in get_args(hint)
