"""Finding the files of modules without importing them, or the packages that they are in."""

import os
import sys
from collections.abc import Sequence
from importlib.machinery import PathFinder
from typing import Any

from stackfold.domain.pipelines.code import CodeFingerprints, Source
from stackfold.domain.pipelines.code.user_code import is_user_file

_NEVER_USER_CODE = {*sys.builtin_module_names, "stackfold"}
_LARGEST = 16 * 1024 * 1024


def code_fingerprints() -> CodeFingerprints:
    """What tells the code of the steps of one run."""
    return CodeFingerprints(ModuleSources())


class ModuleSources:
    """The sources of one's own modules, for one moment."""

    def __init__(self) -> None:
        """Nothing was looked for yet."""
        self._specs: dict[str, Any] = {}

    def find(self, module: str) -> Source | None:
        """The file of a module; None if there is none, or if it is not the user's own."""
        if module.partition(".")[0] in _NEVER_USER_CODE:
            return None
        spec = self._spec(module)
        if spec is None or spec.loader is None or not is_user_file(spec.origin):
            return None
        return _source(module, spec)

    def _spec(self, module: str) -> Any:
        if module not in self._specs:
            self._specs[module] = self._found(module)
        return self._specs[module]

    def _found(self, module: str) -> Any:
        parent, _, _ = module.rpartition(".")
        if not parent:
            return _installed_editable(module) or _in_folders(module, None)
        package = self._spec(parent)
        places = getattr(package, "submodule_search_locations", None)
        # Of a namespace package it is an object that would ask for the imported parent.
        folders = getattr(places, "_path", places)
        return _in_folders(module, [*folders]) if folders else None


def _in_folders(module: str, folders: Sequence[str] | None) -> Any:
    try:
        return PathFinder.find_spec(module, folders)
    except (ImportError, KeyError, ValueError, AttributeError, OSError):
        pass
    # A namespace package inside another one that is not imported.
    name = module.rpartition(".")[2]
    portions = [os.path.join(each, name) for each in folders or ()]
    found = [each for each in portions if os.path.isdir(each)]
    return _Portions(found) if found else None


class _Portions:
    """What is known of a namespace package."""

    loader = None
    origin = None

    def __init__(self, folders: list[str]) -> None:
        """It consists of `folders`."""
        self.submodule_search_locations = folders


def _installed_editable(module: str) -> Any:
    """Where an editable install that works by a finder of its own says that a package is."""
    for finder in sys.meta_path:
        if str(getattr(finder, "__module__", "")).startswith("__editable__"):
            try:
                return finder.find_spec(module, None)
            except Exception:  # noqa: S112  # whatever a generated file does
                continue
    return None


def _source(module: str, spec: Any) -> Source | None:
    is_package = spec.submodule_search_locations is not None
    try:
        state = os.stat(spec.origin)
        changed: object = (spec.origin, state.st_mtime_ns, state.st_size, state.st_ino)
        if state.st_size > _LARGEST:
            return Source(module, is_package, lambda: None, changed)
    except (OSError, ValueError):  # inside a zip file
        changed = (spec.origin, _archive_time(spec.origin))

    def read() -> str | None:
        try:
            return spec.loader.get_source(module)  # type: ignore[no-any-return]
        except (ImportError, OSError, AttributeError):
            return None

    return Source(module, is_package, read, changed)


def _archive_time(origin: str) -> object:
    place = origin
    while place and not os.path.isfile(place):
        above = os.path.dirname(place)
        if above == place:
            return None
        place = above
    return os.stat(place).st_mtime_ns if place else None
