"""Materializer: writes values of some types to a file, and reads them back."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, ClassVar

from stackfold.application.ports import ArtifactWriter
from stackfold.domain.errors import UnknownClass
from stackfold.domain.exact_json.class_finder import FindClass

Versions = Mapping[str, str]
""""python" and module → the version that wrote a value, for version-dependent formats."""

WriteValue = Callable[[ArtifactWriter], Versions | None]
"""Writes one value to a file, and returns the versions that reading it requires, if any."""


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
    def prepare(self, value: object) -> WriteValue | None:
        """Return a function that writes `value`, or None if this materializer does not accept it.

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
