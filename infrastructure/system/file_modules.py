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
"""Name → the module that `execute_file` made; when its file was written, and its size."""


class FileModule(NamedTuple):
    """Where a module is that another process cannot import by its name."""

    name: str
    """What it is called there."""
    file: str
    module: str = ""
    """The name that the script was run by, for `python -m`; empty if by its file."""
    argv: tuple[str, ...] = ()
    """The arguments of the script."""

    def load(self) -> ModuleType:
        """The module: the one that is loaded already, or else it is executed.

        Raises:
            ModuleNotFoundError: Its file is not on this machine.
            BaseException: What executing it raised.
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
            exec(code, script.__dict__)  # noqa: S102  # the user's own program
        except BaseException:
            _put_back(before)
            raise
        _keep_by_value(script)
        return script

    def _file_here(self) -> str:
        if os.path.isfile(self.file):
            return self.file
        # Another machine has it in a folder that was sent there, from which modules are imported.
        name = os.path.basename(self.file)
        for folder in sys.path:
            if os.path.isfile(os.path.join(folder, name)):
                return os.path.join(folder, name)
        raise ModuleNotFoundError(f"there is no file {self.file}", name=self.name)


def file_module(name: str) -> FileModule | None:
    """Where a loaded module is, if another process can execute its file but not import it.

    A script without `if __name__ == "__main__"` is left out: to execute it is to run all of it.
    """
    module = sys.modules.get(name)
    file = getattr(module, "__file__", None)
    if module is None or not file:
        return None
    if name in (_MAIN, _MAIN_ELSEWHERE):
        if not _has_guard(file):
            return None
        # What a step's process pickles refers to the script by that name.
        sys.modules.setdefault(_MAIN_ELSEWHERE, module)
        spec = getattr(module, "__spec__", None)
        return FileModule(_MAIN_ELSEWHERE, file, spec.name if spec else "", tuple(sys.argv))
    made = _executed.get(name)
    if made and made[0] is module:
        return FileModule(name, file)
    if not _is_importable(name):
        _keep_by_value(module)
        return FileModule(name, file)
    return None


def loaded_from(path: str, name: str) -> ModuleType | None:
    """The module that a file was loaded as, if that was the file as it is now."""
    script, found = sys.modules.get(_MAIN), sys.modules.get(name)
    if script is not None and _is_file(script, path) and getattr(script, "__spec__", None) is None:
        return script
    if found is None or not _is_file(found, path):
        return None
    made = _executed.get(name)
    return None if made and made[0] is found and made[1] != _written(path) else found


def execute_file(path: str, name: str) -> ModuleType:
    """Execute a file as a module of some name, which it gets unless another module has it.

    Raises:
        ImportError: It is no Python file.
        BaseException: What executing it raised.
    """
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file", name=name)
    module, written = importlib.util.module_from_spec(spec), _written(path)
    before = sys.modules.get(name)
    # Known by its name, as an imported module is; but never in the place of another one.
    if before is None or _is_file(before, path):
        sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        if sys.modules.get(name) is module:
            _put_back({name: before})
        raise
    if sys.modules.get(name) is module:
        _executed[name] = module, written
        _keep_by_value(module)
    return module


def _keep_by_value(module: ModuleType) -> None:
    # Who reads an artifact has the module under that name as little as he has a script's.
    import cloudpickle

    cloudpickle.register_pickle_by_value(module)


def _is_importable(name: str) -> bool:
    """Whether another process with the same `sys.path` finds a module that is loaded here.

    A tool may load files under names of its own, such as pytest's import mode `importlib`.
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
    """Make empty packages for the part of a module's name that is in front of its last dot.

    Without them pickle does not find the module, although it is loaded.
    """
    package = name.rpartition(".")[0]
    if package and package not in sys.modules and not _is_importable(name):
        _make_packages(package)
        sys.modules[package] = ModuleType(package)


def _put_back(modules: dict[str, Any]) -> None:
    for name, module in modules.items():
        if module is None:
            sys.modules.pop(name, None)
        else:
            sys.modules[name] = module


def _written(path: str) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_mtime_ns, status.st_size


def _is_file(module: ModuleType, file: str) -> bool:
    own = getattr(module, "__file__", None)
    return bool(own) and (own == file or os.path.realpath(str(own)) == os.path.realpath(file))


@lru_cache
def _has_guard(file: str) -> bool:
    """Whether a script does what it does under `if __name__ == "__main__"`."""
    try:
        with open(file, "rb") as source:
            statements = ast.parse(source.read()).body
    except (OSError, SyntaxError, ValueError):
        return False
    return any(isinstance(each, ast.If) and _asks_for_main(each.test) for each in statements)


def _asks_for_main(test: ast.expr) -> bool:
    names = {each.id for each in ast.walk(test) if isinstance(each, ast.Name)}
    texts = {each.value for each in ast.walk(test) if isinstance(each, ast.Constant)}
    return "__name__" in names and _MAIN in texts
