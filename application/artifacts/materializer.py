"""Materializer: what writes values of some types to a file, and reads them back."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, ClassVar

from stackfold.application.ports import ArtifactWriter
from stackfold.domain.errors import UnknownClass
from stackfold.domain.pipelines.class_finder import FindClass

Versions = Mapping[str, str]
""""python" and module → version, where reading needs what was there at writing."""

WriteValue = Callable[[ArtifactWriter], Versions | None]
"""Writes one value to a file, and returns the versions that reading it needs, if any."""


class Materializer(ABC):
    """Writes values of some types to a file, and reads them back exactly as they were."""

    name: ClassVar[str]
    """Recorded with each artifact; by it the reader is found again."""
    version: ClassVar[int] = 1
    """Raised when it writes the same value in another way, so that no cached step is taken for
    what it would do now."""
    executes: ClassVar[bool] = False
    """Whether to read is to execute what the store holds, so that one must trust the store."""

    @abstractmethod
    def prepare(self, value: object) -> WriteValue | None:
        """Return what writes `value` to a file, or None if that is not for this materializer.

        Must not import a library that `value` does not come from.
        """

    @abstractmethod
    def read(self, file: BinaryIO, type_name: str, find_class: FindClass) -> Any:
        """Read a value back.

        Args:
            file: What was written, from its beginning.
            type_name: The value's type, as "module.Class".
            find_class: The only way from a name that was read to a class.
        """

    def show(self, file: BinaryIO, type_name: str) -> Any:
        """What was written, as JSON has it: for programs that lack the value's class.

        Args:
            file: What was written, from its beginning.
            type_name: The value's type, as "module.Class".

        Raises:
            UnknownClass: There is no such form.
        """
        raise UnknownClass(type_name)

    def installed_versions(self, versions: Versions) -> Mapping[str, str | None]:
        """What is here of what was there at writing: the same names → version, None if missing."""
        return versions
