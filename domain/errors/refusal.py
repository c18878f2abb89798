"""The root of all errors."""

from typing import Any


class StackfoldError(Exception):
    """Something that Stackfold refuses; its text is one line that a user can act on."""

    def __reduce__(self) -> tuple[Any, ...]:
        # What __init__ takes is not what it hands on, so a copy in another process is made past it.
        return _again, (type(self), self.args, self.__dict__)


def _again(kind: type[StackfoldError], args: tuple[Any, ...], data: dict[str, Any]) -> Any:
    error = kind.__new__(kind, *args)
    error.__dict__.update(data)
    return error


def text_of(error: BaseException) -> str:
    """The text of any exception; where its class cannot make one, that it cannot."""
    try:
        return str(error)
    except KeyboardInterrupt:
        raise
    except BaseException as problem:
        return f"(its text cannot be made: {type(problem).__name__})"


def with_article(noun: str) -> str:
    """`noun` with its article."""
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"
