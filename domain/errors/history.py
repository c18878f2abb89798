"""Points in the past, and going back to them."""

from collections.abc import Mapping, Sequence

from stackfold.domain.errors.bases import Conflict, Invalid, NotFound


class InvalidAsOf(Invalid):
    """A point in the past is malformed.

    Attributes:
        given: What was given.
    """

    def __init__(self, given: str) -> None:
        self.given = given
        super().__init__(
            f"{given!r} is not a point in the past: give a position (#123), a time or date "
            "(2026-01-31T12:00:00Z), an age (2h, 3d), yesterday or a run (run:ID)"
        )


class AsOfOutOfRange(Invalid):
    """A point in the past is before the first event of the log, or after its last.

    Attributes:
        given: The point in the past.
        first: When the first event was recorded, in ISO 8601.
        last: The position of the last event.
    """

    def __init__(self, given: str, first: str, last: int) -> None:
        self.given, self.first, self.last = given, first, last
        super().__init__(f"the log has no state as of {given}: it covers {first} to #{last}")


class NoSuchRevision(NotFound):
    """A stack or component has no revision of the given number.

    Attributes:
        kind: What was looked up, such as "stack".
        reference: Its name.
        revision: The number.
        latest: The number of its latest revision.
    """

    def __init__(self, kind: str, reference: str, revision: int, latest: int) -> None:
        self.revision, self.latest = revision, latest
        message = f"{kind} {reference!r} has no revision {revision}: give one from 1 to {latest}"
        super().__init__(kind, reference, message=message)


class DidNotExistAt(NotFound):
    """Something did not exist at a point in the past, or was deleted since.

    Attributes:
        kind: What was looked up, such as "stack".
        reference: Its name.
        position: The position in the log; None for now.
    """

    def __init__(self, kind: str, reference: str, position: int | None) -> None:
        self.position = position
        when = "no longer exists" if position is None else f"did not exist as of #{position}"
        super().__init__(kind, reference, message=f"{kind} {reference!r} {when}: see its history")


class CannotUndo(Conflict):
    """The last change cannot be undone, such as the start of a deployment.

    Attributes:
        position: Its position in the log.
        kind: What was changed, such as "deployment".
        name: Its name.
        action: What was done to it, as a participle, such as "started".
    """

    def __init__(self, position: int, kind: str, name: str, action: str) -> None:
        self.position, self.kind, self.name, self.action = position, kind, name, action
        super().__init__(
            f"the last change, #{position}, is {kind} {name!r} {action}, which cannot be "
            f"undone: delete the {kind}, after which undo continues with the change before it, or "
            "revert a stack"
        )


class NothingToUndo(Conflict):
    """Every change has been undone, or none was made."""

    def __init__(self) -> None:
        super().__init__("there is no change left to undo")


class NeedsConfirmation(Conflict):
    """A revert would also change other stacks: repeat it with `confirmed=True`.

    Attributes:
        components: Component, such as "artifact store 'shared'" → the other stacks that use it.
    """

    def __init__(self, components: Mapping[str, Sequence[str]]) -> None:
        self.components = {what: tuple(stacks) for what, stacks in components.items()}
        super().__init__(f"{self.consequence}: confirm it")

    @property
    def consequence(self) -> str:
        """What would change besides, in one line."""
        return "; ".join(
            f"{what} is also used by {', '.join(map(repr, stacks))} and would change there too"
            for what, stacks in self.components.items()
        )


class ComponentDeleted(Conflict):
    """A stack cannot be reverted, as a component that it contained was deleted.

    Attributes:
        kind: The component's type.
        name: Its name.
        stack: The stack's name.
        command: The command of the component's type, such as "artifact-store".
        with_components: Whether reverting the components too would restore it.
    """

    def __init__(
        self, kind: str, name: str, stack: str, command: str, with_components: bool = False
    ) -> None:
        self.kind, self.name, self.stack = kind, name, stack
        self.command, self.with_components = command, with_components
        otherwise = ", or revert the components too" if with_components else ""
        super().__init__(
            f"{kind} {name!r}, which stack {stack!r} contained then, was deleted: restore it "
            f"first{otherwise}"
        )


class IncompatibleConfiguration(Conflict):
    """A component cannot be restored, as its configuration no longer fits its flavor.

    Attributes:
        kind: The component's type.
        name: Its name.
        problem: Why the configuration does not fit.
    """

    def __init__(self, kind: str, name: str, problem: str) -> None:
        self.kind, self.name, self.problem = kind, name, problem
        super().__init__(
            f"{kind} {name!r} cannot be restored, as its configuration no longer fits its flavor "
            f"({problem}): give it another configuration"
        )


class NotDeleted(Conflict):
    """Something that was to be restored was not deleted.

    Attributes:
        kind: What it is, such as "stack".
        name: Its name.
    """

    def __init__(self, kind: str, name: str) -> None:
        self.kind, self.name = kind, name
        super().__init__(f"{kind} {name!r} is not deleted: there is nothing to restore")
