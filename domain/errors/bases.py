"""The base class of all errors, and the eight kinds to catch by."""

from typing import Any

PUBLIC_MODULE = "stackfold.errors"
"""The module that users import errors from, and that tracebacks show."""

_PACKAGE = __name__.removesuffix("bases")


class Copyable:
    """Makes exceptions picklable and copyable, independent of what their constructors take."""

    args: tuple[Any, ...]

    def __init_subclass__(cls) -> None:
        # Tracebacks show the module that users import from; classes of users keep their own.
        if cls.__module__.startswith(_PACKAGE):
            cls.__module__ = PUBLIC_MODULE

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy is made without __init__, which takes the data and not the message. Public classes
        # go by name, since cloudpickle would copy a class whose public module is not loaded.
        kind = type(self)
        which = kind.__name__ if kind.__module__ == PUBLIC_MODULE else kind
        return _restored, (which, self.args, self.__dict__)


def _restored(which: str | type[BaseException], args: tuple[Any, ...], data: dict[str, Any]) -> Any:
    from stackfold.domain import errors

    kind = getattr(errors, which) if isinstance(which, str) else which
    error = kind.__new__(kind, *args)
    error.__dict__.update(data)
    return error


class StackfoldError(Copyable, Exception):
    """Base class of all errors.

    Attributes:
        message: One line: what is wrong, then what to do.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)

    @property
    def message(self) -> str:
        """The text of the error."""
        return str(self)


class NotFound(StackfoldError):
    """Nothing has the given name, id or number.

    Attributes:
        kind: What was looked up, such as "stack".
        reference: The name, id or prefix that was given.
        hint: What to do; may be empty.
    """

    def __init__(self, kind: str, reference: str, hint: str = "", *, message: str = "") -> None:
        self.kind, self.reference, self.hint = kind, reference, hint
        suffix = f": {hint}" if hint else ""
        super().__init__(message or f"there is no {kind} {reference!r:.200}{suffix}")


class Conflict(StackfoldError):
    """The current state does not allow the change: look at it, then ask for something else."""


class Invalid(StackfoldError):
    """An input is malformed, out of range, or does not fit what it is for."""


class Forbidden(StackfoldError):
    """A permission or a rule does not allow it, independent of the input."""


class Unavailable(StackfoldError):
    """Something that is needed cannot be reached or used, here or now.

    Attributes:
        subject: What it is, such as "the image builder 'local'".
        problem: What is wrong with it, and what to do.
    """

    def __init__(self, subject: str, problem: str, *, message: str = "") -> None:
        self.subject, self.problem = subject, problem
        super().__init__(message or f"{subject} cannot be used: {problem}")


class Busy(StackfoldError):
    """Another process is at work on the same thing: wait, then try again."""


class Failed(StackfoldError):
    """Work was started and did not succeed."""


class Damaged(StackfoldError):
    """Stored data is corrupt, or was not written by this version."""
