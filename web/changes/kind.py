"""What a kind of changes is."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from stackfold.application.history.views import HistoryEntry
from stackfold.domain.errors import Conflict, Invalid
from stackfold.infrastructure.workspace import Workspace

Fields = Mapping[str, str]
"""What is to be changed, from the query of the address."""


class Command(NamedTuple):
    """How a change is to be executed."""

    why: str = ""
    expected: int | None = None
    """The revision or position that it was decided on."""
    confirmed: bool = False
    """Whether what it would do besides is wanted too."""
    dry_run: bool = False


class NotConfirmed(Conflict):
    """A change is made only if what it goes against is confirmed.

    Attributes:
        consequence: What that is, in one line.
    """

    def __init__(self, consequence: str) -> None:
        self.consequence = consequence
        super().__init__(f"{consequence}: confirm it")


class Refused(NotConfirmed):
    """A gate refuses a promotion: if that is tried all the same, the refusal is recorded."""


class Kind(NamedTuple):
    """A kind of changes."""

    verb: str
    """As on its button."""
    title: Callable[[Fields], str]
    command: Callable[[Fields], str]
    """Returns the command that shows the same, or makes the change if it has no dry run."""
    expected: Callable[[Workspace, Fields], int]
    """Returns the revision or position that a command is decided on."""
    execute: Callable[[Workspace, Fields, Command], Sequence[HistoryEntry]]
    """Returns what was recorded, or would be."""


def given(fields: Fields, name: str) -> str:
    """A field that the address must have.

    Raises:
        Invalid: It has not.
    """
    if not fields.get(name):
        raise Invalid(f"the address has no {name!r}: open the page of what is to be changed")
    return fields[name]


def written(*words: str) -> str:
    """A command as it is written in a shell."""
    return " ".join(["stackfold", *(shlex.quote(word) for word in words)])
