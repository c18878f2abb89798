"""Materializers: chooses the materializer that writes a value or reads an artifact."""

from collections.abc import Callable, Sequence
from typing import Any, Self, cast

from stackfold.application.artifacts import own_materializers
from stackfold.application.artifacts.collections import CollectionMaterializer
from stackfold.application.artifacts.folders import NewFolder, TemporaryFolder
from stackfold.application.artifacts.materializer import (
    Materializer,
    Versions,
    WriteFolder,
    WriteValue,
)
from stackfold.domain.errors import ArtifactDamaged, InvalidMaterializer, NotFound, PickleForbidden
from stackfold.domain.exact_json.class_finder import (
    main_name,
    mentioned,
    type_name,
    use_main_name,
)

LoadProvided = Callable[[str | None], None]
"""Imports the materializers that packages provide for a top-level module; None for all."""


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

    def prepare(
        self, value: object, chosen: str = ""
    ) -> tuple[Materializer, WriteValue | WriteFolder]:
        """Return the materializer of a value, and what writes the value.

        Args:
            value: The value.
            chosen: The name of the materializer; empty to choose it by the type of the value. If
                it does not accept a list, tuple or dictionary, it writes its elements.

        Raises:
            PickleForbidden: Only a pickle could store it.
            InvalidMaterializer: The registered one has the name of a built-in one.
            NotFound: There is no materializer with the chosen name.
            TypeError: No materializer accepts it, or the chosen one does not.
        """
        if chosen:
            return self._prepared_by(self.chosen(chosen), value)
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

    def _prepared_by(
        self, chosen: Materializer, value: object
    ) -> tuple[Materializer, WriteValue | WriteFolder]:
        kind = type_name(type(value))
        if chosen.executes and not self._pickles:
            raise PickleForbidden(f"a {kind}", written=True)
        write = chosen.prepare(value)
        if write is not None:
            return chosen, write
        elements = self._by_name[CollectionMaterializer.name]
        collection = cast(CollectionMaterializer, elements).prepare(value, chosen.name)
        if collection is None:
            raise TypeError(f"the materializer {chosen.name!r} does not accept a {kind}")
        return elements, collection

    def chosen(self, name: str) -> Materializer:
        """Return a materializer that a step chooses.

        Raises:
            NotFound: There is none of that name.
        """
        found = self._by_name.get(name) or self._search(name, "")
        if found is None:
            hint = f"import the module that defines it; built in are {', '.join(self._by_name)}"
            raise NotFound("materializer", name, hint)
        return found

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

    def versions_for(self, hint: Any, chosen: str = "") -> list[str]:
        """Return the materializers that may write a value of a type hint, as "name version".

        Args:
            hint: The type hint.
            chosen: The name of the materializer that a step chooses; empty for none.

        Raises:
            NotFound: There is no materializer with the chosen name.
        """
        if chosen:
            first = self.chosen(chosen)
            return [f"{first.name} {first.version}", *self.versions_for(hint)]
        kinds = [each for each in mentioned(hint) if isinstance(each, type)]
        registered = (each for kind in kinds for each in self._registered(kind))
        return [f"{each.name} {each.version}" for each in (*registered, *self._all)]

    def _search(self, name: str, module: str) -> Materializer | None:
        # "builtins" needs no loading; a format of ours is loaded by its own name.
        for package in ("builtins", module, name.partition(".")[0], None):
            self._load(package)
            if name in own_materializers.REGISTERED:
                return own_materializers.REGISTERED[name]
        return None

    def _registered(self, kind: type) -> list[Materializer]:
        """Return the materializers registered for a type or its bases, the nearest first."""
        for base in kind.__mro__:
            self._load(base.__module__.partition(".")[0])
        if not own_materializers.REGISTERED:
            return []
        found = [
            own_materializers.REGISTERED[base]
            for base in kind.__mro__
            if base in own_materializers.REGISTERED
        ]
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
        return {**self.__dict__, "own": dict(own_materializers.REGISTERED), "main": main_name()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        own_materializers.REGISTERED.update(state.pop("own"))
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
