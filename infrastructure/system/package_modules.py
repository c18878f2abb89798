"""Modules of packages: which one a file is, where one is, and importing it."""

import importlib
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import NamedTuple


class ModuleAt(NamedTuple):
    """What a file is called as a module."""

    name: str
    root: Path
    """The folder that it is imported from."""


def module_at(file: Path) -> ModuleAt:
    """What a file is called as a module: "models.train" for one in the package `models`.

    Only folders with an `__init__.py` are taken for packages: without one, nothing tells a package
    from a folder of scripts.
    """
    names = [] if file.name == "__init__.py" else [file.stem]
    folder = file.parent
    while (folder / "__init__.py").is_file() and folder.name.isidentifier():
        names.insert(0, folder.name)
        folder = folder.parent
    return ModuleAt(".".join(names) or file.stem, folder)


def module_file(name: str, root: str) -> str:
    """The file of a module in a folder that modules are imported from; empty if it has none."""
    place = os.path.join(root, *name.split("."))
    for file in (f"{place}.py", os.path.join(place, "__init__.py")):
        if os.path.isfile(file):
            return file
    return ""


def make_importable(folder: str) -> None:
    """Let modules be imported from a folder, before all others."""
    if folder not in sys.path:
        sys.path.insert(0, folder)
    importlib.invalidate_caches()  # it may have been written a moment ago


def import_fresh(name: str, file: str, root: str) -> ModuleType:
    """Import a module by its file; once more, if the file has changed since this did so.

    Raises:
        ImportError: There is another module of that name.
        BaseException: What executing it raised.
    """
    script = sys.modules.get("__main__")
    if getattr(getattr(script, "__spec__", None), "name", None) == name and _is_at(script, file):
        return script  # type: ignore[return-value]
    status = os.stat(file)
    now = (file, status.st_mtime_ns, status.st_size)
    if _imported.get(name, now) != now:
        sys.modules.pop(name, None)
    make_importable(root)
    module = importlib.import_module(name)
    if not _is_at(module, file):
        raise ModuleNotFoundError(f"{name} is another module here", name=name)
    _imported[name] = now
    return module


_imported: dict[str, tuple[str, int, int]] = {}
"""Module → the file that it was imported by, when that was written, and its size."""


def _is_at(module: ModuleType | None, file: str) -> bool:
    found = getattr(module, "__file__", None)
    return bool(found) and os.path.exists(str(found)) and os.path.samefile(str(found), file)
