"""Finds the files of user modules without importing them or their packages."""

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
    """Create fingerprints for the code of one run."""
    return CodeFingerprints(ModuleSources())


class ModuleSources:
    """Finds the files of user modules, and caches what it finds: use one per run."""

    def __init__(self) -> None:
        """Create an empty cache."""
        self._specs: dict[str, Any] = {}

    def find(self, module: str) -> Source | None:
        """Return the file of a module; None if it has none, or is not user code."""
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
        locations = getattr(package, "submodule_search_locations", None)
        # The locations of a namespace package are an object that accesses the imported parent.
        folders = getattr(locations, "_path", locations)
        return _in_folders(module, [*folders]) if folders else None


def _in_folders(module: str, folders: Sequence[str] | None) -> Any:
    try:
        return PathFinder.find_spec(module, folders)
    except (ImportError, KeyError, ValueError, AttributeError, OSError):
        pass
    # A namespace package inside another one that is not loaded.
    name = module.rpartition(".")[2]
    portions = [os.path.join(each, name) for each in folders or ()]
    found = [each for each in portions if os.path.isdir(each)]
    return _Portions(found) if found else None


class _Portions:
    """The spec of a namespace package."""

    loader = None
    origin = None

    def __init__(self, folders: list[str]) -> None:
        """Create the spec of a namespace package that consists of `folders`."""
        self.submodule_search_locations = folders


def _installed_editable(module: str) -> Any:
    """Find a package of an editable install that has its own finder."""
    for finder in sys.meta_path:
        if str(getattr(finder, "__module__", "")).startswith("__editable__"):
            try:
                return finder.find_spec(module, None)
            except Exception:  # noqa: S112  # raised by a generated file
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
    path = origin
    while path and not os.path.isfile(path):
        above = os.path.dirname(path)
        if above == path:
            return None
        path = above
    return os.stat(path).st_mtime_ns if path else None
