"""The folders that are searched for classes of custom flavors, beside installed packages.

A log names a class as "module.Class". The home of the user who registered it stores the folder of
the module; the log does not, as the folder differs on other machines. The current folder is
searched only for a class that a user names in a command.
"""

import importlib
import json
import os
import sys
from collections.abc import Iterable, Iterator
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType

from stackfold.domain.errors import InvalidFile
from stackfold.infrastructure.system.environment import importable, is_installed
from stackfold.infrastructure.system.trust import project_code_folder

_FILE = "flavor_folders.json"

Folders = dict[str, dict[str, str]]
"""Flavor, as "type.name" → class, as "module.Class" → the folder of its module."""


class FlavorFolders:
    """The folders that a home searches for classes of flavors."""

    def __init__(self, home: Path) -> None:
        """Use the file of folders in a home."""
        self._home = home
        self._path = home / _FILE

    def finds(self, flavor: str, source: str) -> bool:
        """Whether the module of a class can be found; imports nothing."""
        top = source.partition(".")[0]
        return importable(top) or any(_contains(each, top) for each in self._of(flavor, source))

    def module(self, name: str, flavor: str, source: str) -> ModuleType | None:
        """Import the module of a flavor's class; return None if it is in none of the folders.

        Args:
            name: The name of the module.
            flavor: The flavor, as "type.name".
            source: The class, as "module.Class".
        """
        return module_in(name, self._of(flavor, source))

    def remember(self, flavor: str, source: str) -> bool:
        """Store the folder that the class of a flavor was imported from.

        Returns:
            Whether the folder was stored: False if it is known, or the class is installed.

        Raises:
            InvalidFile: The file cannot be written.
        """
        folder = folder_of(source.partition(".")[0])
        known = self._read()
        if folder is None or known.get(flavor, {}).get(source) == folder:
            return False
        from stackfold.infrastructure.system.drafts import replace_file
        from stackfold.infrastructure.system.private_files import make_folder

        known.setdefault(flavor, {})[source] = folder
        try:
            make_folder(self._home)
            replace_file(self._path, json.dumps(known, indent=1))
        except OSError as error:
            raise InvalidFile(str(self._path), f"cannot be written: {error.strerror}") from error
        return True

    def _of(self, flavor: str, source: str) -> Iterator[str]:
        remembered = self._read().get(flavor, {}).get(source)
        if remembered:
            yield remembered
        project = project_code_folder(self._home)
        if project:
            yield project

    def _read(self) -> Folders:
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
            return {str(flavor): dict(sources) for flavor, sources in found.items()}
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except OSError as error:
            raise InvalidFile(str(self._path), f"cannot be read: {error.strerror}") from error
        except (ValueError, TypeError, AttributeError) as error:
            problem = "is damaged: delete it and register your flavors again"
            raise InvalidFile(str(self._path), problem) from error


def module_in(name: str, folders: Iterable[str]) -> ModuleType | None:
    """Import a module, also from the first of some folders that contains it; None if none does."""
    found = _imported(name)
    for folder in () if found else folders:
        if _contains(folder, name.partition(".")[0]):
            _add_to_path(folder)
            found = _imported(name)
            if found:
                break
    return found


def named_module(name: str) -> ModuleType | None:
    """Import a module that a user names in a command, also from the current folder."""
    importlib.invalidate_caches()
    found = _imported(name)
    try:
        here = os.getcwd()
    except FileNotFoundError:  # the current folder was deleted
        return found
    if found is None and _contains(here, name.partition(".")[0]):
        _add_to_path(here)
        found = _imported(name)
    return found


def _imported(name: str) -> ModuleType | None:
    """Import a module from `sys.path`; return None if it does not exist."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            return None
        raise


def _contains(folder: str, module: str) -> bool:
    return PathFinder.find_spec(module, [folder]) is not None


def _add_to_path(folder: str) -> None:
    # At the end, so that it hides no other module. It remains there: the module may import modules
    # beside it later, and processes that execute steps get the same path.
    if folder not in sys.path:
        sys.path.append(folder)
        importlib.invalidate_caches()


def folder_of(module: str) -> str | None:
    """The folder that a module was imported from; None if it is installed, or in no file."""
    found = sys.modules.get(module)
    paths = [*getattr(found, "__path__", ())] or [getattr(found, "__file__", None)]
    if paths[0] is None or module == "__main__":
        return None
    folder = os.path.dirname(os.path.abspath(paths[0]))
    return None if is_installed(folder) else folder
