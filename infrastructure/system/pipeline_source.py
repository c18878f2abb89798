"""Loads a pipeline by its location: "file.py:name" or "module:name"."""

import importlib
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from stackfold.domain.errors import InvalidFile, StackfoldError
from stackfold.domain.pipelines.pipeline import Pipeline
from stackfold.infrastructure.system.file_modules import execute_file, loaded_from
from stackfold.infrastructure.system.home import absolute_folder
from stackfold.infrastructure.system.package_modules import (
    import_fresh,
    make_importable,
    module_at,
    module_file,
)


def load_pipeline(source: str, import_root: str = "") -> Pipeline[...]:
    """Load the pipeline at a location.

    The code of the file is executed, except under `if __name__ == "__main__"`. Like a script, it
    can import modules beside it. A file in a package is imported as a module of the package, so
    that its relative imports work. A module that is loaded is not executed again.

    Args:
        source: "file.py:name" or "module:name"; ":name" may be left out if there is one pipeline.
        import_root: The folder that the module was imported from, as a run recorded it; empty for
            the current folder and `sys.path`.

    Raises:
        InvalidFile: The file or module does not exist or cannot be imported, it has no such
            pipeline, or it has several and no name is given.
    """
    if not source.strip(": "):
        raise InvalidFile(repr(source), "names no pipeline: write file.py:name or module:name")
    location, _, name = source.rpartition(":")
    if not location or os.sep in name:  # no colon, or one that belongs to the path
        location, name = source, ""
    module = load_module(location, import_root)
    return _named(module, location, name) if name else _only(module, location)


def load_module(location: str, import_root: str = "") -> ModuleType:
    """Import the module that a user names: "file.py" or "module"; see `load_pipeline`.

    Raises:
        InvalidFile: It does not exist, or cannot be imported.
    """
    is_file = location.endswith(".py") or location.startswith(".") or os.sep in location
    return _from_file(location, import_root) if is_file else _from_name(location, import_root)


def _from_file(location: str, import_root: str) -> ModuleType:
    path = absolute_folder(os.path.expanduser(location))
    if not path.is_file():
        raise InvalidFile(location, "does not exist")
    name, root = module_at(path)
    if root != path.parent and import_root != str(path.parent):
        try:
            return import_fresh(name, str(path), str(root))
        except ImportError as error:
            if not _is_for_a_script(error, path):
                raise InvalidFile(location, _failure(error, str(path))) from error
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise InvalidFile(location, _failure(error, str(path))) from error
    make_importable(str(path.parent))
    try:
        return loaded_from(str(path), path.stem) or execute_file(str(path), path.stem)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a script may also exit
        raise InvalidFile(location, _failure(error, str(path))) from error


def _is_for_a_script(error: ImportError, path: Path) -> bool:
    """Whether a file in a package imports a module beside it, as only a script can."""
    missing = str(error.name or "").partition(".")[0]
    if missing == path.parent.name or missing == module_at(path).name.partition(".")[0]:
        return True  # another package has that name
    beside = path.parent / missing
    return bool(missing) and (beside.is_dir() or beside.with_suffix(".py").is_file())


def _from_name(location: str, import_root: str) -> ModuleType:
    script = sys.modules.get("__main__")
    if import_root and module_file(location, import_root):
        make_importable(import_root)
    elif not import_root:  # a user named the module
        make_importable(str(absolute_folder()))
    spec = getattr(script, "__spec__", None)
    if script is not None and spec is not None and spec.name == location:
        return script
    try:
        module = importlib.import_module(location)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if (
            isinstance(error, ModuleNotFoundError)
            and error.name
            and _leads_to(error.name, location)
        ):
            problem = "is not a module; the name of a file ends in .py"
            if import_root:
                problem = f"is a module neither in {import_root} nor in an installed package"
            raise InvalidFile(location, problem) from error
        raise InvalidFile(location, _failure(error, "")) from error
    wanted, found = module_file(location, import_root), getattr(module, "__file__", None)
    if import_root and wanted and found and not os.path.samefile(wanted, found):
        raise InvalidFile(
            location,
            f"was imported from {import_root}, but is now imported from {found}: run a program "
            "that imports it from there",
        )
    return module


def _leads_to(name: str, location: str) -> bool:
    return location == name or location.startswith(f"{name}.")


def _failure(error: BaseException, file: str) -> str:
    """Describe an error, with the line of the file that it passed through, if any."""
    what = " ".join(f"{type(error).__name__}: {error}".split())
    if isinstance(error, StackfoldError):
        what = str(error)
    line, frames = 0, error.__traceback__
    while frames:
        if frames.tb_frame.f_code.co_filename == file:
            line = frames.tb_lineno
        frames = frames.tb_next
    if isinstance(error, SyntaxError) and error.filename == file:
        what, line = f"{type(error).__name__}: {error.msg}", error.lineno or 0
    return f"line {line}: {what}" if line else what


def _named(module: ModuleType, location: str, name: str) -> Pipeline[...]:
    found = getattr(module, name, None)
    if isinstance(found, Pipeline):
        return found
    by_name = {each.name: each for each in _pipelines(module).values()}
    if name in by_name:
        return by_name[name]
    pipelines = ", ".join(_pipelines(module)) or "none"
    raise InvalidFile(location, f"has no pipeline {name!r}; its pipelines: {pipelines}")


def _only(module: ModuleType, location: str) -> Pipeline[...]:
    pipelines = _pipelines(module)
    if not pipelines:
        raise InvalidFile(location, "has no pipeline: decorate a function with @pipeline")
    if len(pipelines) > 1:
        first = next(iter(pipelines))
        raise InvalidFile(
            location, f"has several pipelines, {', '.join(pipelines)}: write {location}:{first}"
        )
    return next(iter(pipelines.values()))


def _pipelines(module: ModuleType) -> dict[str, Pipeline[...]]:
    """Name in the module → pipeline; those that it imports only if it defines none."""
    members: dict[str, Any] = dict(vars(module))
    found = {name: each for name, each in members.items() if isinstance(each, Pipeline)}
    defined = {
        name: each for name, each in found.items() if each.function.__module__ == module.__name__
    }
    return defined or found
