"""Pickling calls for another process, so that an error there tells the file and line it is from."""

from collections import ChainMap
from collections.abc import Callable
from io import BytesIO
from types import CodeType
from typing import Any, ClassVar

import cloudpickle


def dumps(value: object) -> bytes:
    """Pickle a value; functions that cannot be imported elsewhere are sent as their code.

    Raises:
        Exception: It cannot be pickled; whatever a class of the user's raises.
    """
    file = BytesIO()
    _Pickler(file).dump(value)
    return file.getvalue()


def _reduced(code: CodeType) -> tuple[Any, ...]:
    # cloudpickle writes "<dynamic-code>" as the file name (from 3.1.2 on), which tracebacks need.
    make, parts = cloudpickle.Pickler.dispatch_table[CodeType](code)
    return _located, (make, parts, code.co_filename)


def _located(make: Callable[..., CodeType], parts: tuple[Any, ...], file: str) -> CodeType:
    return make(*parts).replace(co_filename=file)


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # it has no types
    dispatch_table: ClassVar[Any] = ChainMap(
        {CodeType: _reduced}, cloudpickle.Pickler.dispatch_table
    )
