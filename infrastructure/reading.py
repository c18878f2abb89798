"""What reading the read models has in common: one state, asked for again when it was lost."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from stackfold.infrastructure.database import Database

P = ParamSpec("P")
R = TypeVar("R")


class _Queries(Protocol):
    _database: Database


Q = TypeVar("Q", bound=_Queries)


def one_state(ask: Callable[Concatenate[Q, P], R]) -> Callable[Concatenate[Q, P], R]:
    """Let a method of queries see one state of the log; it is asked again if that is lost."""

    @wraps(ask)
    def asked(self: Q, /, *args: P.args, **options: P.kwargs) -> R:
        return self._database.consistently(lambda: ask(self, *args, **options))

    return asked
