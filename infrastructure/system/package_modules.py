"""Maps between files and modules of packages, and imports modules by file."""

import importlib
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import NamedTuple


class ModuleAt(NamedTuple):
    """The module that a file is."""

    name: str
    root: Path
    """The folder that it is imported from."""


def module_at(file: Path) -> ModuleAt:
    """Return the module that a file is, such as "models.train" in the package `models`.

    Only a folder with an `__init__.py` is a package; others may be folders of scripts.
    """
    names = [] if file.name == "__init__.py" else [file.stem]
    folder = file.parent
    while (folder / "__init__.py").is_file() and folder.name.isidentifier():
        names.insert(0, folder.name)
        folder = folder.parent
    return ModuleAt(".".join(names) or file.stem, folder)


def module_file(name: str, root: str) -> str:
    """The file of a module that is imported from the folder `root`; empty if it does not exist."""
    path = os.path.join(root, *name.split("."))
    for file in (f"{path}.py", os.path.join(path, "__init__.py")):
        if os.path.isfile(file):
            return file
    return ""


def make_importable(folder: str) -> None:
    """Add a folder to the start of `sys.path`."""
    if folder not in sys.path:
        sys.path.insert(0, folder)
    importlib.invalidate_caches()  # its files may be new


def import_fresh(name: str, file: str, root: str) -> ModuleType:
    """Import a module by its file, again if the file has changed since the last call.

    Args:
        name: The name of the module.
        file: The file of the module.
        root: The folder to import it from.

    Raises:
        ImportError: Another module has that name.
        BaseException: The code of the module raised.
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
"""Module → the file that it was imported from, with the file's mtime and size then."""


def _is_at(module: ModuleType | None, file: str) -> bool:
    found = getattr(module, "__file__", None)
    return bool(found) and os.path.exists(str(found)) and os.path.samefile(str(found), file)
