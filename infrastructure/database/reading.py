"""A decorator for queries: one state of the log, and a clear error for damaged read models."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from stackfold.domain.errors import ReadModelDamaged
from stackfold.infrastructure.database.protocol import Database

P = ParamSpec("P")
R = TypeVar("R")


_SENSIBLE = (str, int, tuple, list, type(None))
"""The types of valid arguments of queries; a listing is a tuple."""


class _Queries(Protocol):
    _database: Database


Q = TypeVar("Q", bound=_Queries)


def one_state(ask: Callable[Concatenate[Q, P], R]) -> Callable[Concatenate[Q, P], R]:
    """Let a query read one state of the log; it is called again if the connection is lost.

    A failure with valid arguments is reported as a damaged read model.
    """

    @wraps(ask)
    def read(self: Q, /, *args: P.args, **options: P.kwargs) -> R:
        try:
            return self._database.consistently(lambda: ask(self, *args, **options))
        except (AttributeError, LookupError, TypeError) as error:
            if all(isinstance(each, _SENSIBLE) for each in (*args, *options.values())):
                raise ReadModelDamaged("a read model contains a value of another type") from error
            raise

    return read
