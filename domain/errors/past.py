"""Points in the past, and going back to them."""

from collections.abc import Mapping, Sequence

from stackfold.domain.errors.refusal import StackfoldError


class InvalidAsOf(StackfoldError):
    """A point in the past is written in no known form."""

    def __init__(self, given: str) -> None:
        """Refuse `given`."""
        self.given = given
        super().__init__(
            f"{given!r} is no point in the past: give a position (#123), a time or date "
            "(2026-01-31T12:00:00Z), an age (2h, 3d) or a run (run:ID)"
        )


class InvalidHead(StackfoldError):
    """A head of the log is written wrongly."""

    def __init__(self, given: str) -> None:
        """Refuse `given`."""
        self.given = given
        super().__init__(f"{given!r} is no head: give POSITION:HASH as `log head` prints it")


class AsOfOutOfRange(StackfoldError):
    """A point in the past lies before the log began, or after it ends."""

    def __init__(self, given: str, first: str, last: int) -> None:
        """Say that `given` is not between the time `first` and the position `last`."""
        self.given, self.first, self.last = given, first, last
        super().__init__(f"the log holds nothing as of {given}: it goes from {first} to #{last}")


class NoSuchRevision(StackfoldError):
    """A stack or component has no revision of that number."""

    def __init__(self, kind: str, name: str, revision: int, latest: int) -> None:
        """Say that `kind` `name` has revisions 1 to `latest` only."""
        self.kind, self.name, self.revision, self.latest = kind, name, revision, latest
        super().__init__(f"{kind} {name!r} has no revision {revision}: give one from 1 to {latest}")


class DidNotExistAt(StackfoldError):
    """Something did not exist at a point in the past."""

    def __init__(self, kind: str, name: str, position: int | None) -> None:
        """Say that `kind` `name` was not there as of `position`; None for now."""
        self.kind, self.name, self.position = kind, name, position
        there = "is not there any more" if position is None else f"was not there as of #{position}"
        super().__init__(f"{kind} {name!r} {there}: see its history")


class NothingToUndo(StackfoldError):
    """Every change has been taken back already, or none was made."""

    def __init__(self) -> None:
        """Refuse to undo the first use itself."""
        super().__init__("there is no change left to take back")


class NeedsConfirmation(StackfoldError):
    """A change would also reach what was not named."""

    def __init__(self, components: Mapping[str, Sequence[str]]) -> None:
        """Say what would change where.

        Args:
            components: What would change, such as "artifact store 'shared'" → the other stacks
                that hold it.
        """
        self.components = {what: tuple(stacks) for what, stacks in components.items()}
        self.consequence = "; ".join(
            f"{what} is also used by {', '.join(map(repr, stacks))} and would change there too"
            for what, stacks in self.components.items()
        )
        super().__init__(f"{self.consequence}: confirm with --yes")


class ComponentDeleted(StackfoldError):
    """A component that an earlier revision of a stack held was deleted."""

    def __init__(self, kind: str, name: str, stack: str, command: str, otherwise: str = "") -> None:
        """Say which component of `stack` is gone, and what would work.

        Args:
            kind: The component's type.
            name: Its name.
            stack: The stack that held it.
            command: The type, as a command.
            otherwise: What would work, too.
        """
        self.kind, self.name, self.stack = kind, name, stack
        super().__init__(
            f"{kind} {name!r}, which stack {stack!r} held then, was deleted: run "
            f"`stackfold {command} restore {name}` first{otherwise}"
        )


class IncompatibleConfiguration(StackfoldError):
    """A component cannot become what it was, for its flavor has changed since, or is gone."""

    def __init__(self, kind: str, name: str, problem: str) -> None:
        """Say why `kind` `name` cannot be as it was, and what would work."""
        self.kind, self.name, self.problem = kind, name, problem
        super().__init__(
            f"{kind} {name!r} cannot be again what it was, its flavor does not allow it any more "
            f"({problem}): give it a configuration that fits instead"
        )


class NotDeleted(StackfoldError):
    """What was to be restored is there."""

    def __init__(self, kind: str, name: str) -> None:
        """Say that `kind` `name` was not deleted."""
        self.kind, self.name = kind, name
        super().__init__(f"{kind} {name!r} is not deleted: there is nothing to restore")
