"""Materializers of users and packages: the decorator that declares them, and their registry."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from inspect import signature
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeVar, cast, get_args
from weakref import finalize

from stackfold.application.artifacts.folders import FolderView, NewFolder
from stackfold.application.artifacts.materializer import Materializer, WriteFolder, WriteValue
from stackfold.application.ports import ArtifactWriter
from stackfold.domain.errors import InvalidMaterializer
from stackfold.domain.exact_json.class_finder import FindClass, type_name
from stackfold.domain.pipelines.chosen_materializer import MARK
from stackfold.domain.pipelines.hints import hint_text, is_typed_dict


class ValueFormat(Protocol):
    """The methods of a class that `materializer` decorates."""

    def write(self, value: Any, file: BinaryIO, /) -> object:
        """Write a value to a file, which has only the method `write`."""
        ...

    def read(self, file: BinaryIO, /) -> Any:
        """Read the value back, from the beginning of the file."""
        ...


class FolderFormat(Protocol):
    """The methods of a class that `materializer` decorates, to write folders."""

    def write_folder(self, value: Any, folder: Path, /) -> object:
        """Write a value to files in an empty folder."""
        ...

    def read_folder(self, folder: Path, /) -> Any:
        """Read the value back from a copy of the folder, which lives as long as the value."""
        ...


ValueFormatClass = TypeVar("ValueFormatClass", bound=type[ValueFormat] | type[FolderFormat])


class _ByFormat(Materializer):
    """A materializer that uses a decorated class."""

    def __init__(self, name: str, version: int, format: type[Any], kinds: tuple[type, ...]) -> None:
        self.name, self.version = name, version  # type: ignore[misc]  # each has its own
        self.format, self.kinds = format, kinds

    def prepare(self, value: object) -> WriteValue | WriteFolder | None:
        if self.kinds and not isinstance(value, self.kinds):
            return None
        if hasattr(self.format, "write_folder"):
            return WriteFolder(lambda folder: self.format().write_folder(value, folder))

        def write(file: ArtifactWriter) -> None:
            self.format().write(value, cast(BinaryIO, file))

        return write

    def read(self, file: BinaryIO, type_name: str, find_class: FindClass) -> Any:
        return self.format().read(file)

    def read_folder(
        self, folder: FolderView, type_name: str, find_class: FindClass, new_folder: NewFolder
    ) -> Any:
        return read_copy(folder, self.format().read_folder, new_folder)

    def metadata(self, value: Any) -> Mapping[str, Any]:
        found = getattr(self.format, "metadata", None)
        return dict(self.format().metadata(value)) if found else {}

    def preview(self, value: Any) -> Any:
        found = getattr(self.format, "preview", None)
        return self.format().preview(value) if found else None


def read_copy(folder: FolderView, read: Callable[[Path], Any], new_folder: NewFolder) -> Any:
    """Read a value from a temporary copy of a folder, which is deleted with the value.

    Args:
        folder: The stored folder.
        read: Reads the value from the copy.
        new_folder: Creates a temporary folder.
    """
    temporary = new_folder()
    lives_on = False
    try:
        folder.copy_to(Path(temporary.name))
        value = read(Path(temporary.name))
        with suppress(TypeError):  # values of built-in types have no weak references
            # Some libraries read files only when they are needed.
            finalize(value, temporary.cleanup)
            lives_on = True
        return value
    finally:
        if not lives_on:
            temporary.cleanup()


def materializer(
    *, for_type: type | tuple[type, ...] | None = None, name: str | None = None, version: int = 1
) -> Callable[[ValueFormatClass], ValueFormatClass]:
    """Store values of a type and its subclasses by the decorated class.

    The class needs `write(self, value, file)` and `read(self, file)`, or, to write several files,
    `write_folder(self, value, folder)` and `read_folder(self, folder)` with a `pathlib.Path`; and
    no constructor arguments. It may have `metadata(self, value)`, which returns a dictionary that
    is recorded with the artifact, and `preview(self, value)`, which returns a text, the bytes of
    a picture or page, or an image or figure, to be shown where the value cannot be. All of them
    may use `get_context`.

    Args:
        for_type: The type, or several. A materializer of a subclass takes precedence. None for
            one that is used only where a step chooses it, by the option `materializers` or by
            `Output`.
        name: Recorded with artifacts, to find their reader, so it must not change; not the name of
            a built-in materializer. By default the class as "module.Class".
        version: To be incremented when it writes the same value differently.

    Raises:
        InvalidMaterializer: The class lacks a method or cannot be instantiated, or `for_type`
            is not a class that a value can have.
    """

    def register(format: ValueFormatClass) -> ValueFormatClass:
        called = name or type_name(format)
        folders = hasattr(format, "write_folder") or hasattr(format, "read_folder")
        for method in ("write_folder", "read_folder") if folders else ("write", "read"):
            if not callable(getattr(format, method, None)):
                raise InvalidMaterializer(called, f"the class has no method {method!r}")
        kinds: tuple[type, ...] = ()
        if for_type is not None:
            kinds = for_type if isinstance(for_type, tuple) else (for_type,)
        if for_type == ():
            raise InvalidMaterializer(called, "for_type is empty: name a class")
        _check_usable(called, format, kinds, version)
        use_materializer(_ByFormat(called, version, format, kinds), *kinds)
        setattr(format, MARK, called)
        return format

    return register


def _check_usable(
    name: str, format: Callable[[], object], kinds: tuple[Any, ...], version: Any
) -> None:
    """Reject a materializer that would never be used, or would fail when used."""
    for each in kinds:
        if not isinstance(each, type) or get_args(each) or is_typed_dict(each):
            problem = f"for_type is {hint_text(each)!r:.80}, which is the class of no value"
            raise InvalidMaterializer(name, f"{problem}: name a class")
    if type(version) is not int:
        raise InvalidMaterializer(name, f"version is {version!r:.80}: give an integer")
    try:
        signature(format).bind()
    except ValueError:  # written in C
        return
    except TypeError as error:
        raise InvalidMaterializer(name, f"making one needs arguments ({error})") from None


def use_materializer(made: Materializer, *kinds: type) -> None:
    """Store values of types and their subclasses by a materializer, and where it is chosen.

    Args:
        made: The materializer.
        kinds: The types; none if it is only used where it is chosen.
    """
    REGISTERED[made.name] = made
    for each in kinds:
        REGISTERED[each] = made


REGISTERED: dict[type | str, Materializer] = {}
"""Type or name → the materializer that the user or an installed package registered for it."""
