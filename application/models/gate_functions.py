"""Gate functions: what functions find about a version that is to be promoted."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from stackfold.application.models.rules import Finding
from stackfold.application.models.views import ModelVersionView
from stackfold.domain.errors import Invalid, StackfoldError

Gate = Callable[[ModelVersionView, ModelVersionView | None], object]
"""(the version to promote, the version that the alias stands for or None) → None or True if it may
be promoted; otherwise the reason as a text, or False."""


class GateFunctions(Protocol):
    """Finds functions by their names, as "module:function"; a log never decides what is imported.

    Functions are those that installed packages declare by the entry point `stackfold.gates`, and
    those that users of the home have allowed.
    """

    def allow(self, name: str) -> Gate:
        """Import a function that a user names, also from the current folder, and remember it.

        Raises:
            Invalid: The module cannot be imported, or has no such function.
            InvalidFile: The list of the home cannot be read or written.
        """
        ...

    def find(self, name: str) -> Gate:
        """Import a function that is declared or allowed.

        Raises:
            NotFound: It is neither, or its module no longer exists.
            Invalid: The module cannot be imported, or has no such function.
            InvalidFile: The list of the home cannot be read.
        """
        ...


class NamedGate(NamedTuple):
    """A function with the name that is recorded."""

    name: str
    judge: Gate


class Asked(NamedTuple):
    """What a function found."""

    finding: Finding
    error: Exception | None = None
    """What it raised."""


def name_of(gate: Gate) -> str:
    """The name of a function, as "module:function"."""
    return f"{getattr(gate, '__module__', '')}:{getattr(gate, '__qualname__', repr(gate))}"


def ask(gate: NamedGate, version: ModelVersionView, current: ModelVersionView | None) -> Asked:
    """Ask a function about a version.

    A function that raises does not pass; the finding has the class of the error only, since its
    text may contain secrets.

    Raises:
        Invalid: It returned something else than None, a bool or a text.
    """
    name = gate.name
    try:
        answer = gate.judge(version, current)
    except Exception as error:
        return Asked(Finding(False, f"{name}: it raised {type(error).__name__}"), error)
    if answer is None or answer is True:
        return Asked(Finding(True, f"{name}: passed"))
    if answer is False or isinstance(answer, str):
        reason = " ".join(str(answer or "it returned False").split())
        return Asked(Finding(False, f"{name}: {reason:.1000}"))
    raise Invalid(
        f"the gate {name} returned {type(answer).__name__}: return None if the version may be "
        "promoted, or the reason as a text"
    )


def unavailable(name: str, error: StackfoldError) -> Asked:
    """What is found of a function that is not available, where the promotion is forced."""
    return Asked(Finding(False, f"{name}: it was not asked: {error}"[:1000]), error)
