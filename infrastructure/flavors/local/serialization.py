"""Pickles calls for another process.

Functions and classes are pickled by reference if the other process can import their module, so
that pickles and process pools work in the step as usual. The step is also pickled by value, as
cloudpickle does it. The other process uses that if the module does not exist there or differs:
another version of the file, or changed global variables.
"""

import contextlib
import io
import os
import pickle
import sys
from collections import ChainMap
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from types import CodeType, FunctionType
from typing import Any, ClassVar

import cloudpickle

from stackfold.application.runs.step_call import StepCall
from stackfold.domain.errors import InvalidPipeline
from stackfold.domain.pipelines.code import CodeFingerprints
from stackfold.infrastructure.system.file_modules import FileModule, file_module


def dumps(value: object) -> bytes:
    """Pickle a call, a result or an exception.

    Raises:
        Exception: It cannot be pickled; a class of the user's may raise anything.
    """
    if isinstance(value, StepCall):
        return pickle.dumps(_sent(value))
    return _dumped(value, _ByReference)


@dataclass(frozen=True, slots=True)
class SentStep:
    """A pickled call of a step for another process."""

    code: str
    """The digest of the step's code."""
    file: str
    """The path of the step's code on the sending machine."""
    by_reference: bytes | None
    by_value: bytes | None

    def __call__(self) -> object:
        """Execute the call; raises what the call raises.

        Raises:
            InvalidPipeline: The call can be unpickled in neither way.
        """
        return self._call()()

    def _call(self) -> StepCall:
        _moved.clear()
        problem = "its module is not what it was when the run started"
        if self.by_reference is not None:
            try:
                # What a module prints while it is imported is not output of the step.
                with contextlib.redirect_stdout(io.StringIO()):
                    call: StepCall = pickle.loads(self.by_reference)  # noqa: S301
                if _digest(call) == self.code:
                    _moved[:] = [_folders(_file(call), self.file)]
                    return call
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # a script may also exit
                problem = f"{type(error).__name__}: {error}"
        if self.by_value is None:
            raise InvalidPipeline(f"the step cannot be sent to another process: {problem}")
        return pickle.loads(self.by_value)  # type: ignore[no-any-return]  # noqa: S301


def _sent(call: StepCall) -> SentStep:
    found: dict[type, bytes] = {}
    problem: Exception | None = None
    for pickler in (_ByReference, _ByValue):
        try:
            found[pickler] = _dumped(call, pickler)
        except Exception as error:  # a class of the user's may raise anything
            problem = error
    if problem is not None and not found:
        raise problem
    by_reference, by_value = found.get(_ByReference), found.get(_ByValue)
    return SentStep(_digest(call), _file(call), by_reference, by_value)


def with_paths_as_sent(traceback: str) -> str:
    """Replace the paths in a traceback by those of the sending machine.

    On a node of a cluster, the code lies in a temporary folder.
    """
    for here, there in _moved:
        if here and there and here != there:
            traceback = traceback.replace(f'File "{here}{os.sep}', f'File "{there}{os.sep}')
    return traceback


_moved: list[tuple[str, str]] = []
"""The folder of the step's code on this and on the sending machine."""


def _file(call: StepCall) -> str:
    return call.step.function.__code__.co_filename


def _folders(here: str, there: str) -> tuple[str, str]:
    """Return the folders of two files, without the common end of their paths."""
    mine, other = here.split(os.sep), there.split(os.sep)
    while mine and other and mine[-1] == other[-1]:
        mine.pop()
        other.pop()
    return os.sep.join(mine), os.sep.join(other)


def _digest(call: StepCall) -> str:
    return CodeFingerprints().digest(call.step.function)


def _dumped(value: object, pickler: "type[_ByValue]") -> bytes:
    file = BytesIO()
    pickler(file).dump(value)
    return file.getvalue()


# -- code


_REDUCERS: Any = cloudpickle.Pickler.dispatch_table


def _reduced(code: CodeType) -> tuple[Any, ...]:
    # cloudpickle writes "<dynamic-code>" as the file name (from 3.1.2 on), which tracebacks need.
    make, parts = _REDUCERS[CodeType](code)
    return _located, (make, parts, code.co_filename)


def _located(make: Callable[..., CodeType], parts: tuple[Any, ...], file: str) -> CodeType:
    return make(*parts).replace(co_filename=file)


class _ByValue(cloudpickle.Pickler):  # type: ignore[misc]  # it has no types
    """Pickles code by value, including the name of its file."""

    dispatch_table: ClassVar[Any] = ChainMap({CodeType: _reduced}, _REDUCERS)


class _ByReference(_ByValue):
    """Pickles functions and classes by reference, where they can be found by name."""

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, FunctionType | type) and isinstance(obj.__module__, str):
            module, name = obj.__module__, obj.__qualname__
            depth = _depth(obj, sys.modules.get(module), name)
            file = None if depth is None else file_module(module)
            if file is not None:
                return _found_in_file, (file, name, depth)
            if depth:  # without a decorator, cloudpickle does it
                return _found, (module, name, depth)
        return super().reducer_override(obj)


def _depth(obj: Any, module: Any, name: str) -> int | None:
    """Return the number of decorators around an object; None if its name refers to another."""
    found = module
    for part in name.split("."):
        found = getattr(found, "__dict__", {}).get(part)
    depth = 0
    while found is not None and found is not obj:
        found = _wrapped(found)
        depth += 1
    return None if found is None else depth


def _wrapped(value: Any) -> Any:
    # `__dict__` evaluates no property of the user's; steps and pipelines have the key, too.
    return getattr(value, "__dict__", {}).get("__wrapped__")


def _found(module: str, name: str, depth: int) -> Any:
    __import__(module)
    return _inside(sys.modules[module], name, depth)


def _found_in_file(file: FileModule, name: str, depth: int) -> Any:
    return _inside(file.load(), name, depth)


def _inside(module: Any, name: str, depth: int) -> Any:
    found = module
    for part in name.split("."):
        found = getattr(found, part)
    for _ in range(depth):
        found = _wrapped(found)
        if found is None:
            raise AttributeError(f"{module.__name__}.{name} is no longer what it was")
    return found
