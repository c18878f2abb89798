"""Which materializer writes a value, and which reads an artifact."""

from collections.abc import Callable, Sequence
from inspect import signature
from typing import Any, BinaryIO, Protocol, Self, TypeVar, cast, get_args

from stackfold.application.artifacts.materializer import Materializer, Versions, WriteValue
from stackfold.application.ports import ArtifactWriter
from stackfold.domain.errors import ArtifactDamaged, InvalidMaterializer, PickleForbidden
from stackfold.domain.pipelines.class_finder import (
    FindClass,
    main_name,
    mentioned,
    type_name,
    use_main_name,
)
from stackfold.domain.pipelines.hints import hint_text, is_typed_dict


class Format(Protocol):
    """What a class must be able to do to be made a materializer by the decorator."""

    def write(self, value: Any, file: BinaryIO, /) -> object:
        """Write a value to a file that only has `write`."""
        ...

    def read(self, file: BinaryIO, /) -> Any:
        """Read the value back from the file's beginning."""
        ...


FormatClass = TypeVar("FormatClass", bound=type[Format])

LoadShipped = Callable[[str | None], None]
"""Imports what installed packages ship to store the values of a top-level module; None for all."""


class _ByFormat(Materializer):
    """A materializer made of a class that was decorated."""

    def __init__(self, name: str, version: int, format: type[Format]) -> None:
        self.name, self.version = name, version  # type: ignore[misc]  # each has its own
        self.format = format

    def prepare(self, value: object) -> WriteValue | None:
        def write(file: ArtifactWriter) -> None:
            self.format().write(value, cast(BinaryIO, file))

        return write

    def read(self, file: BinaryIO, type_name: str, find_class: FindClass) -> Any:
        return self.format().read(file)


def materializer(
    *, for_type: type | tuple[type, ...], name: str | None = None, version: int = 1
) -> Callable[[FormatClass], FormatClass]:
    """Store values of a type, and of its subclasses, by the decorated class.

    The class needs `write(self, value, file)` and `read(self, file)`, and no arguments to be made.

    Args:
        for_type: The type, or several. A subclass's own materializer goes before.
        name: What artifacts say about how they were written, none of the built-in ones' names;
            by default the class as "module.Class". Under another name it cannot read what it wrote.
        version: To be raised when it writes the same value in another way.

    Raises:
        InvalidMaterializer: The class lacks a method or cannot be made, or what it is registered
            for is no class that a value could have.
    """

    def register(format: FormatClass) -> FormatClass:
        called = name or type_name(format)
        for method in ("write", "read"):
            if not callable(getattr(format, method, None)):
                raise InvalidMaterializer(called, f"the class has no method {method!r}")
        kinds = for_type if isinstance(for_type, tuple) else (for_type,)
        _must_take_effect(called, format, kinds, version)
        made = _ByFormat(called, version, format)
        for each in kinds:
            _own[each] = made
        return format

    return register


def _must_take_effect(
    name: str, format: Callable[[], object], kinds: tuple[Any, ...], version: Any
) -> None:
    """Refuse what would never be used, or fail when it is."""
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


_own: dict[type, Materializer] = {}
"""Type → what the user or an installed package has registered for it."""


def _nothing_is_shipped(module: str | None) -> None:
    """Know no packages."""


class Materializers:
    """The materializers, in the order in which they are asked; those that users add come first."""

    def __init__(
        self,
        materializers: Sequence[Materializer],
        load_shipped: LoadShipped = _nothing_is_shipped,
        pickles: bool = True,
    ) -> None:
        """Know the built-in materializers and the way to further ones.

        Args:
            materializers: Ask the first one first; the last one should take anything.
            load_shipped: The way to those that packages ship.
            pickles: Whether those may be used whose reading executes what the store holds.
        """
        self._all = tuple(materializers)
        self._by_name = {each.name: each for each in materializers}
        self._load_shipped = load_shipped
        self._pickles = pickles
        self._asked: set[str | None] = {"builtins"}

    def without_pickles(self) -> Self:
        """The same, refusing to write and to read pickles."""
        return type(self)(self._all, self._load_shipped, pickles=False)

    def prepare(self, value: object) -> tuple[Materializer, WriteValue]:
        """The materializer for a value, and what writes the value to a file.

        Raises:
            PickleForbidden: Only a pickle could hold it.
            InvalidMaterializer: The one that is registered for it has the name of a built-in one.
            TypeError: None of them takes it.
        """
        kind = type(value)
        for each in (*self._registered(kind), *self._all):
            if each.executes and not self._pickles:
                raise PickleForbidden(f"a {type_name(kind)}", written=True)
            write = each.prepare(value)
            if write is not None:
                return each, write
        raise TypeError(f"no materializer takes a {type_name(kind)}")

    def named(self, name: str, uri: str, type_name: str = "") -> Materializer:
        """The materializer that wrote the artifact at `uri`.

        Args:
            name: Its name.
            uri: The artifact, for what is said if there is none.
            type_name: The value's type, as "module.Class"; tells where to look first.

        Raises:
            ArtifactDamaged: There is none of that name here.
            PickleForbidden: It reads pickles, which are not to be read.
        """
        found = self._by_name.get(name) or self._found(name, type_name.partition(".")[0])
        if found is None:
            raise ArtifactDamaged(
                uri,
                f"needs the materializer {name!r}, which is not here: import the module that "
                "defines it, or install the package that ships it",
            )
        if found.executes and not self._pickles:
            raise PickleForbidden(f"the artifact at {uri}", written=False)
        return found

    def versions_for(self, hint: Any) -> list[str]:
        """The materializers that may write a value with a type hint, each as "name version"."""
        kinds = [each for each in mentioned(hint) if isinstance(each, type)]
        registered = (each for kind in kinds for each in self._registered(kind))
        return [f"{each.name} {each.version}" for each in (*registered, *self._all)]

    def _found(self, name: str, module: str) -> Materializer | None:
        for place in ("builtins", module, None):  # the first one is loaded
            self._load(place)
            for each in _own.values():
                if each.name == name:
                    return each
        return None

    def _registered(self, kind: type) -> list[Materializer]:
        """What users and packages have registered for a type or its bases, the nearest first."""
        for base in kind.__mro__:
            self._load(base.__module__.partition(".")[0])
        found = [_own[base] for base in kind.__mro__ if base in _own] if _own else []
        for each in found:
            if each.name in self._by_name:
                raise InvalidMaterializer(each.name, "a built-in one is called so already")
        return found

    def _load(self, module: str | None) -> None:
        if module not in self._asked:
            self._asked.add(module)
            self._load_shipped(module)

    def __getstate__(self) -> dict[str, object]:
        # To another process what was registered here goes along, and what our script is called.
        return {**self.__dict__, "own": dict(_own), "main": main_name()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        _own.update(state.pop("own"))
        use_main_name(state.pop("main"))
        self.__dict__.update(state)


def differing(
    materializer: Materializer, versions: Versions, uri: str
) -> dict[str, tuple[str, str]]:
    """Name → the version at writing and the one here, where the two differ.

    Of Python only the first two numbers count: 3.12.1 reads what 3.12.7 wrote.

    Raises:
        ArtifactDamaged: A library is not here at all.
    """
    found = {}
    for name, here in materializer.installed_versions(versions).items():
        was = versions[name]
        if here is None:
            raise ArtifactDamaged(uri, f"needs {name} {was}, and there is no {name} here")
        if here != was and (name != "python" or here.split(".")[:2] != was.split(".")[:2]):
            found[name] = (was, here)
    return found
