"""Materializers: chooses the materializer that writes a value or reads an artifact."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from inspect import signature
from pathlib import Path
from typing import Any, BinaryIO, Protocol, Self, TypeVar, cast, get_args
from weakref import finalize

from stackfold.application.artifacts.collections import CollectionMaterializer
from stackfold.application.artifacts.folders import FolderView, NewFolder, TemporaryFolder
from stackfold.application.artifacts.materializer import (
    Materializer,
    Versions,
    WriteFolder,
    WriteValue,
)
from stackfold.application.ports import ArtifactWriter
from stackfold.domain.errors import ArtifactDamaged, InvalidMaterializer, PickleForbidden
from stackfold.domain.exact_json.class_finder import (
    FindClass,
    main_name,
    mentioned,
    type_name,
    use_main_name,
)
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

LoadProvided = Callable[[str | None], None]
"""Imports the materializers that packages provide for a top-level module; None for all."""


class _ByFormat(Materializer):
    """A materializer that uses a decorated class."""

    def __init__(self, name: str, version: int, format: type[Any]) -> None:
        self.name, self.version = name, version  # type: ignore[misc]  # each has its own
        self.format = format

    def prepare(self, value: object) -> WriteValue | WriteFolder | None:
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
    *, for_type: type | tuple[type, ...], name: str | None = None, version: int = 1
) -> Callable[[ValueFormatClass], ValueFormatClass]:
    """Store values of a type and its subclasses by the decorated class.

    The class needs `write(self, value, file)` and `read(self, file)`, or, to write several files,
    `write_folder(self, value, folder)` and `read_folder(self, folder)` with a `pathlib.Path`; and
    no constructor arguments. It may have `metadata(self, value)`, which returns a dictionary that
    is recorded with the artifact.

    Args:
        for_type: The type, or several. A materializer of a subclass takes precedence.
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
        kinds = for_type if isinstance(for_type, tuple) else (for_type,)
        _check_usable(called, format, kinds, version)
        made = _ByFormat(called, version, format)
        use_materializer(made, *kinds)
        return format

    return register


def _check_usable(
    name: str, format: Callable[[], object], kinds: tuple[Any, ...], version: Any
) -> None:
    """Reject a materializer that would never be used, or would fail when used."""
    if not kinds:
        raise InvalidMaterializer(name, "for_type is empty: name a class")
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
    """Store values of types and their subclasses by a materializer.

    Args:
        made: The materializer.
        kinds: The types.
    """
    for each in kinds:
        _registered_for[each] = made


_registered_for: dict[type, Materializer] = {}
"""Type → the materializer that the user or an installed package registered for it."""


def _load_nothing(module: str | None) -> None:
    """Load nothing: no packages provide materializers."""


def _no_folder() -> TemporaryFolder:
    raise NotImplementedError("these materializers were created without temporary folders")


class Materializers:
    """All materializers, in order of precedence; registered ones precede built-in ones."""

    def __init__(
        self,
        materializers: Sequence[Materializer],
        load_provided: LoadProvided = _load_nothing,
        new_folder: NewFolder = _no_folder,
        pickles: bool = True,
    ) -> None:
        """Create the collection.

        Args:
            materializers: The built-in ones, in order; the last one should accept any value.
            load_provided: Imports those that packages provide.
            new_folder: Creates the temporary folders that values are written to and read from.
            pickles: Whether to allow materializers whose reading executes code.
        """
        self._all = tuple(materializers)
        self._load_provided = load_provided
        self.new_folder = new_folder
        self._pickles = pickles
        self._loaded: set[str | None] = {"builtins"}
        # Elements are never pickles, whatever a stored list of them says.
        self._elements = self if not pickles else self.without_pickles()
        collection = CollectionMaterializer(self._elements)
        self._by_name = {each.name: each for each in (*materializers, collection)}

    def without_pickles(self) -> Self:
        """Return a copy that neither writes nor reads pickles."""
        return type(self)(self._all, self._load_provided, self.new_folder, pickles=False)

    def prepare(self, value: object) -> tuple[Materializer, WriteValue | WriteFolder]:
        """Return the materializer of a value, and what writes the value.

        Raises:
            PickleForbidden: Only a pickle could store it.
            InvalidMaterializer: The registered one has the name of a built-in one.
            TypeError: No materializer accepts it.
        """
        kind = type(value)
        for each in (*self._registered(kind), *self._all):
            if each.executes:
                # Version 1 is no part of cache keys: a pickle of an earlier version is as good.
                elements = self._by_name[CollectionMaterializer.name]
                collection = elements.prepare(value)
                if collection is not None:
                    return elements, collection
            if each.executes and not self._pickles:
                raise PickleForbidden(f"a {type_name(kind)}", written=True)
            write = each.prepare(value)
            if write is not None:
                return each, write
        raise TypeError(f"no materializer accepts a {type_name(kind)}")

    def named(self, name: str, uri: str, type_name: str = "") -> Materializer:
        """Return the materializer that wrote an artifact.

        Args:
            name: The materializer's name.
            uri: The artifact's address, for error messages.
            type_name: The value's type, as "module.Class"; its packages are searched first.

        Raises:
            ArtifactDamaged: No materializer has that name.
            PickleForbidden: It reads pickles, which are not to be read.
        """
        found = self._by_name.get(name) or self._search(name, type_name.partition(".")[0])
        if found is None:
            raise ArtifactDamaged(
                uri,
                f"needs the materializer {name!r}, which is not available: import the module that "
                "defines it, or install the package that provides it",
            )
        if found.executes and not self._pickles:
            raise PickleForbidden(f"the artifact at {uri}", written=False)
        return found

    def versions_for(self, hint: Any) -> list[str]:
        """Return the materializers that may write a value of a type hint, as "name version"."""
        kinds = [each for each in mentioned(hint) if isinstance(each, type)]
        registered = (each for kind in kinds for each in self._registered(kind))
        return [f"{each.name} {each.version}" for each in (*registered, *self._all)]

    def _search(self, name: str, module: str) -> Materializer | None:
        for package in ("builtins", module, None):  # "builtins" needs no loading
            self._load(package)
            for each in _registered_for.values():
                if each.name == name:
                    return each
        return None

    def _registered(self, kind: type) -> list[Materializer]:
        """Return the materializers registered for a type or its bases, the nearest first."""
        for base in kind.__mro__:
            self._load(base.__module__.partition(".")[0])
        if not _registered_for:
            return []
        found = [_registered_for[base] for base in kind.__mro__ if base in _registered_for]
        for each in found:
            if each.name in self._by_name:
                raise InvalidMaterializer(each.name, "a built-in one has this name")
        return found

    def _load(self, module: str | None) -> None:
        if module not in self._loaded:
            self._loaded.add(module)
            self._load_provided(module)

    def __getstate__(self) -> dict[str, object]:
        # Another process needs the registered materializers and the name of the main script.
        return {**self.__dict__, "own": dict(_registered_for), "main": main_name()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        _registered_for.update(state.pop("own"))
        use_main_name(state.pop("main"))
        self.__dict__.update(state)


def differing(
    materializer: Materializer, versions: Versions, uri: str
) -> dict[str, tuple[str, str]]:
    """Name → the version that wrote an artifact and the installed one, where they differ.

    Python versions are compared by their first two numbers: 3.12.1 reads what 3.12.7 wrote.

    Raises:
        ArtifactDamaged: A library is not installed.
    """
    found = {}
    for name, here in materializer.installed_versions(versions).items():
        was = versions[name]
        if here is None:
            raise ArtifactDamaged(uri, f"needs {name} {was}, and {name} is not installed")
        if here != was and (name != "python" or here.split(".")[:2] != was.split(".")[:2]):
            found[name] = (was, here)
    return found
