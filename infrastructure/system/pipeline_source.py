"""Finding a pipeline by where it is: "file.py:name" or "module:name"."""

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
    """The pipeline at a source.

    The file's code is executed, but not what stands under `if __name__ == "__main__"`. As for a
    script, modules beside the file can be imported. A file in a package is imported as a module of
    that package, so that its own imports work. What the program has loaded already stays as it is,
    and so do its classes.

    Args:
        source: "file.py:name" or "module:name"; the name may be left out where there is one
            pipeline only.
        import_root: The folder that the module was imported from, as a run recorded it; by default
            the current folder, and whatever modules are imported from here.

    Raises:
        InvalidFile: There is no such file or module, importing it failed, or it holds no such
            pipeline or several.
    """
    if not source.strip(": "):
        raise InvalidFile(repr(source), "names no pipeline: write file.py:name or module:name")
    place, _, name = source.rpartition(":")
    if not place or os.sep in name:  # no colon, or one that belongs to the path
        place, name = source, ""
    is_file = place.endswith(".py") or place.startswith(".") or os.sep in place
    module = _from_file(place, import_root) if is_file else _from_name(place, import_root)
    return _named(module, place, name) if name else _only(module, place)


def _from_file(place: str, import_root: str) -> ModuleType:
    path = absolute_folder(os.path.expanduser(place))
    if not path.is_file():
        raise InvalidFile(place, "there is no such file")
    name, root = module_at(path)
    if root != path.parent and import_root != str(path.parent):
        try:
            return import_fresh(name, str(path), str(root))
        except ImportError as error:
            if not _is_for_a_script(error, path):
                raise InvalidFile(place, _failure(error, str(path))) from error
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise InvalidFile(place, _failure(error, str(path))) from error
    make_importable(str(path.parent))
    try:
        return loaded_from(str(path), path.stem) or execute_file(str(path), path.stem)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a script may also exit
        raise InvalidFile(place, _failure(error, str(path))) from error


def _is_for_a_script(error: ImportError, path: Path) -> bool:
    """Whether a file in a package imports what lies beside it, as only a script can."""
    missing = str(error.name or "").partition(".")[0]
    if missing == path.parent.name or missing == module_at(path).name.partition(".")[0]:
        return True  # another package has that name here
    beside = path.parent / missing
    return bool(missing) and (beside.is_dir() or beside.with_suffix(".py").is_file())


def _from_name(place: str, import_root: str) -> ModuleType:
    script = sys.modules.get("__main__")
    if import_root and module_file(place, import_root):
        make_importable(import_root)
    elif not import_root:  # it is named on purpose
        make_importable(str(absolute_folder()))
    spec = getattr(script, "__spec__", None)
    if script is not None and spec is not None and spec.name == place:
        return script
    try:
        module = importlib.import_module(place)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if isinstance(error, ModuleNotFoundError) and error.name and _leads_to(error.name, place):
            problem = "there is no such module; a file ends in .py"
            if import_root:
                problem = f"there is no such module, neither in {import_root} nor installed"
            raise InvalidFile(place, problem) from error
        raise InvalidFile(place, _failure(error, "")) from error
    wanted, found = module_file(place, import_root), getattr(module, "__file__", None)
    if import_root and wanted and found and not os.path.samefile(wanted, found):
        raise InvalidFile(
            place,
            f"it was imported from {import_root}, but here from {found}: start a program that "
            "finds that one first",
        )
    return module


def _leads_to(name: str, place: str) -> bool:
    return place == name or place.startswith(f"{name}.")


def _failure(error: BaseException, file: str) -> str:
    """What went wrong, and in which line of the file if it went through there."""
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


def _named(module: ModuleType, place: str, name: str) -> Pipeline[...]:
    found = getattr(module, name, None)
    if isinstance(found, Pipeline):
        return found
    by_name = {each.name: each for each in _pipelines(module).values()}
    if name in by_name:
        return by_name[name]
    held = ", ".join(_pipelines(module)) or "none"
    raise InvalidFile(place, f"there is no pipeline {name!r}: it holds {held}")


def _only(module: ModuleType, place: str) -> Pipeline[...]:
    pipelines = _pipelines(module)
    if not pipelines:
        raise InvalidFile(place, "it holds no pipeline: make a function one by @pipeline")
    if len(pipelines) > 1:
        first = next(iter(pipelines))
        raise InvalidFile(
            place, f"it holds several pipelines, {', '.join(pipelines)}: say {place}:{first}"
        )
    return next(iter(pipelines.values()))


def _pipelines(module: ModuleType) -> dict[str, Pipeline[...]]:
    """Name in the module → pipeline; its own ones, or if it has none those that it imports."""
    members: dict[str, Any] = dict(vars(module))
    found = {name: each for name, each in members.items() if isinstance(each, Pipeline)}
    own = {
        name: each for name, each in found.items() if each.function.__module__ == module.__name__
    }
    return own or found
