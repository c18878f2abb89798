"""Materializer: writes values of some types to a file, and reads them back."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, NamedTuple

from stackfold.application.artifacts.folders import FolderView, NewFolder
from stackfold.application.ports import ArtifactWriter
from stackfold.domain.errors import UnknownClass
from stackfold.domain.exact_json.class_finder import FindClass

Versions = Mapping[str, str]
""""python" and module → the version that wrote a value, for version-dependent formats."""

WriteValue = Callable[[ArtifactWriter], Versions | None]
"""Writes one value to a file, and returns the versions that reading it requires, if any."""


class WriteFolder(NamedTuple):
    """Writes one value as a folder."""

    fill: Callable[[Path], Versions | None] | None = None
    """Writes the value to an empty folder, and returns the versions that reading it requires."""
    source: Path | None = None
    """The folder that is the value; `fill` is not called."""


class Materializer(ABC):
    """Writes values of some types to a file, and reads them back exactly as they were."""

    name: ClassVar[str]
    """Recorded with each artifact, to find the materializer that reads it."""
    version: ClassVar[int] = 1
    """To be incremented when it writes the same value differently, which invalidates cached
    steps."""
    executes: ClassVar[bool] = False
    """Whether reading executes code from the store, which must then be trusted."""

    @abstractmethod
    def prepare(self, value: object) -> WriteValue | WriteFolder | None:
        """Return what writes `value`, or None if this materializer does not accept it.

        Must not import a library other than the one that defines the class of `value`.
        """

    @abstractmethod
    def read(self, file: BinaryIO, type_name: str, find_class: FindClass) -> Any:
        """Read a value back.

        Args:
            file: The stored file, at its beginning.
            type_name: The value's type, as "module.Class".
            find_class: Resolves the name of a class; must be used instead of importing it.
        """

    def read_folder(
        self, folder: FolderView, type_name: str, find_class: FindClass, new_folder: NewFolder
    ) -> Any:
        """Read a value back that was written as a folder.

        Args:
            folder: The stored folder.
            type_name: The value's type, as "module.Class".
            find_class: Resolves the name of a class; must be used instead of importing it.
            new_folder: Creates a temporary folder.
        """
        raise ValueError(f"{self.name} reads no folders")

    def metadata(self, value: Any) -> Mapping[str, Any]:
        """Return facts about a value, as JSON, to be recorded with its artifact."""
        return {}

    def preview(self, value: Any) -> Any:
        """Return a small text, picture or page that shows a value; None, as by default, for none.

        Bytes are a PNG, JPEG, GIF, WebP, SVG or HTML document. Objects that save themselves as
        pictures, such as images of Pillow and figures of matplotlib, become PNG.
        """
        return None

    def show(self, file: BinaryIO, type_name: str) -> Any:
        """Return the stored value as JSON, for programs that lack its class.

        Args:
            file: The stored file, at its beginning.
            type_name: The value's type, as "module.Class".

        Raises:
            UnknownClass: The value cannot be shown as JSON.
        """
        raise UnknownClass(type_name)

    def installed_versions(self, versions: Versions) -> Mapping[str, str | None]:
        """Return the installed versions of the same names; None if not installed."""
        return versions
