"""Modules that another process must load by file: a script, and files executed under a name.

Another process cannot import them by name: the script is called `__main__` here, and a file may be
in no folder on `sys.path`. `file_module` describes such a module, and `FileModule.load` executes
its file in the other process, as `multiprocessing` does with the script when it spawns a process:
under the name `__mp_main__`, so that the code under `if __name__ == "__main__"` is not executed.
"""

import ast
import importlib.util
import os
import sys
from functools import lru_cache
from types import ModuleType
from typing import Any, NamedTuple

_MAIN, _MAIN_ELSEWHERE = "__main__", "__mp_main__"

_executed: dict[str, tuple[ModuleType, tuple[int, int]]] = {}
"""Name → the module that `execute_file` created, and the (mtime, size) of its file then."""


class FileModule(NamedTuple):
    """A module that another process cannot import by name."""

    name: str
    """The name of the module in the other process."""
    file: str
    module: str = ""
    """The name of a script that was run with `python -m`; empty if it was run as a file."""
    argv: tuple[str, ...] = ()
    """The arguments of the script."""

    def load(self) -> ModuleType:
        """Return the module if it is loaded, otherwise execute its file.

        Raises:
            ModuleNotFoundError: The file does not exist on this machine.
            BaseException: The code of the file raised.
        """
        names = (_MAIN, _MAIN_ELSEWHERE) if self.name == _MAIN_ELSEWHERE else (self.name,)
        for name in names:
            found = sys.modules.get(name)
            if found is not None and _is_file(found, self.file):
                return found
        if self.name == _MAIN_ELSEWHERE:
            return self._executed_script()
        _make_packages(self.name)
        return execute_file(self._file_here(), self.name)

    def _executed_script(self) -> ModuleType:
        script = ModuleType(_MAIN_ELSEWHERE)
        spec = importlib.util.find_spec(self.module) if self.module else None
        file = spec.origin if spec and spec.origin else self._file_here()
        script.__spec__, script.__file__ = spec, file
        script.__package__ = spec.parent if spec else None
        with open(file, "rb") as source:
            code = compile(source.read(), file, "exec", dont_inherit=True)
        before = {name: sys.modules.get(name) for name in (_MAIN, _MAIN_ELSEWHERE)}
        sys.modules[_MAIN] = sys.modules[_MAIN_ELSEWHERE] = script
        if self.argv:
            sys.argv[:] = self.argv
        try:
            exec(code, script.__dict__)  # noqa: S102  # the program of the user
        except BaseException:
            _restore(before)
            raise
        _pickle_by_value(script)
        return script

    def _file_here(self) -> str:
        if os.path.isfile(self.file):
            return self.file
        # On another machine, it is in a folder that was sent there and added to `sys.path`.
        name = os.path.basename(self.file)
        for folder in sys.path:
            if os.path.isfile(os.path.join(folder, name)):
                return os.path.join(folder, name)
        raise ModuleNotFoundError(f"there is no file {self.file}", name=self.name)


def file_module(name: str) -> FileModule | None:
    """Describe a loaded module that another process must execute by file; None for others.

    None for a script without `if __name__ == "__main__"`, too: executing it would run the program.
    """
    module = sys.modules.get(name)
    file = getattr(module, "__file__", None)
    if module is None or not file:
        return None
    if name in (_MAIN, _MAIN_ELSEWHERE):
        if not _has_guard(file):
            return None
        # Pickles of a process that executes steps refer to the script by that name.
        sys.modules.setdefault(_MAIN_ELSEWHERE, module)
        spec = getattr(module, "__spec__", None)
        return FileModule(_MAIN_ELSEWHERE, file, spec.name if spec else "", tuple(sys.argv))
    executed = _executed.get(name)
    if executed and executed[0] is module:
        return FileModule(name, file)
    if not _is_importable(name):
        _pickle_by_value(module)
        return FileModule(name, file)
    return None


def loaded_from(path: str, name: str) -> ModuleType | None:
    """Return the module that a file was loaded as, unless the file has changed since."""
    script, found = sys.modules.get(_MAIN), sys.modules.get(name)
    if script is not None and _is_file(script, path) and getattr(script, "__spec__", None) is None:
        return script
    if found is None or not _is_file(found, path):
        return None
    executed = _executed.get(name)
    is_outdated = executed and executed[0] is found and executed[1] != _state(path)
    return None if is_outdated else found


def execute_file(path: str, name: str) -> ModuleType:
    """Execute a file as a module, and register it unless another module has its name.

    Args:
        path: The file.
        name: The name of the module.

    Raises:
        ImportError: The file is not a Python file.
        BaseException: The code of the file raised.
    """
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file", name=name)
    module, state = importlib.util.module_from_spec(spec), _state(path)
    before = sys.modules.get(name)
    if before is None or _is_file(before, path):
        sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        if sys.modules.get(name) is module:
            _restore({name: before})
        raise
    if sys.modules.get(name) is module:
        _executed[name] = module, state
        _pickle_by_value(module)
    return module


def _pickle_by_value(module: ModuleType) -> None:
    # A process that reads an artifact cannot import the module by name.
    import cloudpickle

    cloudpickle.register_pickle_by_value(module)


def _is_importable(name: str) -> bool:
    """Whether another process with the same `sys.path` can import a module.

    It cannot if a tool loaded the file under another name, like pytest's import mode `importlib`.
    """
    package = name.partition(".")[0]
    for finder in sys.meta_path:
        try:
            if finder.find_spec(package, None) is not None:
                return True
        except (AttributeError, ImportError, ValueError):
            continue
    return False


def _make_packages(name: str) -> None:
    """Create empty parent packages of a module; without them, pickle does not find the module."""
    package = name.rpartition(".")[0]
    if package and package not in sys.modules and not _is_importable(name):
        _make_packages(package)
        sys.modules[package] = ModuleType(package)


def _restore(modules: dict[str, Any]) -> None:
    for name, module in modules.items():
        if module is None:
            sys.modules.pop(name, None)
        else:
            sys.modules[name] = module


def _state(path: str) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_mtime_ns, status.st_size


def _is_file(module: ModuleType, file: str) -> bool:
    found = getattr(module, "__file__", None)
    return bool(found) and (found == file or os.path.realpath(str(found)) == os.path.realpath(file))


@lru_cache
def _has_guard(file: str) -> bool:
    """Whether a script has an `if __name__ == "__main__"`."""
    try:
        with open(file, "rb") as source:
            statements = ast.parse(source.read()).body
    except (OSError, SyntaxError, ValueError):
        return False
    return any(isinstance(each, ast.If) and _compares_main(each.test) for each in statements)


def _compares_main(test: ast.expr) -> bool:
    names = {each.id for each in ast.walk(test) if isinstance(each, ast.Name)}
    texts = {each.value for each in ast.walk(test) if isinstance(each, ast.Constant)}
    return "__name__" in names and _MAIN in texts
