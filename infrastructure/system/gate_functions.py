"""The functions that gates may name: those of installed packages, and those that users allowed.

A log names a function as "module:function". Nothing is imported because a log names it: a package
must declare the function, or a user of the home must have named it in a command. The home stores
the folder of its module, as for flavors.
"""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from stackfold.application.models.gate_functions import Gate
from stackfold.application.models.rules import is_function_name
from stackfold.domain.errors import Invalid, InvalidFile, NotFound, StackfoldError
from stackfold.infrastructure.system.flavor_folders import folder_of, module_in, named_module

ENTRY_POINTS = "stackfold.gates"
"""The entry-point group in which packages declare functions: `<name> = module:function`."""

_FILE = "gate_functions.json"


class HomeGateFunctions:
    """Implements `GateFunctions`."""

    def __init__(self, home: Path) -> None:
        """Use the list of a home."""
        self._home = home
        self._path = home / _FILE

    def allow(self, name: str) -> Gate:
        """Import a function that a user names; see `GateFunctions.allow`."""
        _must_name_a_function(name)
        found = _member(name, named_module)
        if found is None:
            module = name.partition(":")[0]
            raise Invalid(f"the gate {name}: no module {module!r} is installed, or in this folder")
        self._remember(name)
        return found

    def find(self, name: str) -> Gate:
        """Import a function that is declared or allowed; see `GateFunctions.find`."""
        _must_name_a_function(name)
        known = self._read()
        if name not in known and not _is_declared(name):
            hint = "it is not allowed here: name it in a command, in the folder of its module"
            raise NotFound("gate", name, hint)
        folders = [known[name]] if known.get(name) else []
        found = _member(name, lambda module: module_in(module, folders))
        if found is None:
            where = f" or in {folders[0]!r}" if folders else ""
            raise NotFound("gate", name, f"its module is no longer installed{where}")
        return found

    def _remember(self, name: str) -> None:
        known = self._read()
        folder = folder_of(name.partition(":")[0].partition(".")[0]) or ""
        if known.get(name) == folder or (not folder and _is_declared(name)):
            return
        from stackfold.infrastructure.system.drafts import replace_file
        from stackfold.infrastructure.system.private_files import make_folder

        try:
            make_folder(self._home)
            replace_file(self._path, json.dumps({**known, name: folder}, indent=1))
        except OSError as error:
            raise InvalidFile(str(self._path), f"cannot be written: {error.strerror}") from error

    def _read(self) -> dict[str, str]:
        """Function → the folder of its module; empty for an installed one."""
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
            return {str(name): str(folder) for name, folder in found.items()}
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except OSError as error:
            raise InvalidFile(str(self._path), f"cannot be read: {error.strerror}") from error
        except (ValueError, AttributeError) as error:
            problem = "is damaged: delete it and name your gates again"
            raise InvalidFile(str(self._path), problem) from error


def _must_name_a_function(name: str) -> None:
    """Require that a text has the form "module:function"; raises Invalid."""
    if not is_function_name(name):
        raise Invalid(f"{name!r:.200} names no gate: write module:function")


def _is_declared(name: str) -> bool:
    """Whether an installed package declares a function."""
    from importlib.metadata import entry_points

    return any(f"{each.module}:{each.attr}" == name for each in entry_points(group=ENTRY_POINTS))


def _member(name: str, find: Callable[[str], ModuleType | None]) -> Gate | None:
    """The function of a module; None if the module does not exist."""
    module_name, _, function = name.partition(":")
    try:
        module = find(module_name)
        found: Gate | None = getattr(module, function, None)
    except StackfoldError:
        raise
    except (Exception, SystemExit) as error:
        # A module may raise anything on import; the user sees one line.
        line = " ".join(f"{type(error).__name__}: {error}".split())
        raise Invalid(f"the gate {name}: importing {module_name} failed: {line}") from error
    if module is not None and not callable(found):
        raise Invalid(f"the gate {name}: the module {module_name} has no function {function!r}")
    return found
