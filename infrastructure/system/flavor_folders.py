"""Where the classes of users' own flavors are looked for, beside the installed environment.

A log names a class as "module.Class". Which folder that module is in is known to the home of who
registered it, and never to the log: a team's log and a pod know other folders. The current folder
is searched only for what somebody names on purpose.
"""

import importlib
import json
import os
import sys
from collections.abc import Iterator
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType

from stackfold.domain.errors import InvalidFile
from stackfold.infrastructure.system.environment import importable, is_installed
from stackfold.infrastructure.system.trust import project_code_folder

_FILE = "flavor_folders.json"

Folders = dict[str, dict[str, str]]
"""Flavor, as "type.name" -> class, as "module.Class" -> the folder that its module is in."""


class FlavorFolders:
    """The folders in which a home looks for the classes of flavors."""

    def __init__(self, home: Path) -> None:
        """Remember folders in a file of the home."""
        self._home = home
        self._path = home / _FILE

    def finds(self, flavor: str, source: str) -> bool:
        """Whether the module of a class is there; nothing is imported."""
        top = source.partition(".")[0]
        return importable(top) or any(_holds(each, top) for each in self._of(flavor, source))

    def module(self, name: str, flavor: str, source: str) -> ModuleType | None:
        """The module of a flavor's class; None if there is none in the places that count.

        Args:
            name: The module's name.
            flavor: The flavor, as "type.name".
            source: The class, as "module.Class".
        """
        found = _imported(name)
        for folder in () if found else self._of(flavor, source):
            if _holds(folder, name.partition(".")[0]):
                _add_to_path(folder)
                found = _imported(name)
                if found:
                    break
        return found

    def named_module(self, name: str) -> ModuleType | None:
        """The module that a user names on purpose: it may lie in the current folder, too."""
        importlib.invalidate_caches()
        found = _imported(name)
        try:
            here = os.getcwd()
        except FileNotFoundError:  # the current folder was deleted
            return found
        if found is None and _holds(here, name.partition(".")[0]):
            _add_to_path(here)
            found = _imported(name)
        return found

    def remember(self, flavor: str, source: str) -> bool:
        """Remember the folder that the class of a flavor has just been imported from.

        Returns:
            Whether that is news; it is not where the class is installed.

        Raises:
            InvalidFile: It cannot be written.
        """
        folder = _folder_of(source.partition(".")[0])
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


def _imported(name: str) -> ModuleType | None:
    """A module of the import path; None if there is none, anything else that it raises is."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            return None
        raise


def _holds(folder: str, module: str) -> bool:
    return PathFinder.find_spec(module, [folder]) is not None


def _add_to_path(folder: str) -> None:
    # At the end, so that it hides nothing; and for good, as the module may import its neighbours
    # later, and a process that executes steps gets the same path.
    if folder not in sys.path:
        sys.path.append(folder)
        importlib.invalidate_caches()


def _folder_of(module: str) -> str | None:
    """The folder that a module was imported from; None if it is installed, or in no file."""
    found = sys.modules.get(module)
    places = [*getattr(found, "__path__", ())] or [getattr(found, "__file__", None)]
    if places[0] is None or module == "__main__":
        return None
    folder = os.path.dirname(os.path.abspath(places[0]))
    return None if is_installed(folder) else folder
