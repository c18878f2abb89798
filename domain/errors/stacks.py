"""What the rules of stacks and components forbid."""

from collections.abc import Sequence

from stackfold.domain.errors.refusal import StackfoldError, with_article


class NothingToChange(StackfoldError):
    """A command would leave everything as it is, so nothing was recorded."""

    def __init__(self, kind: str, name: str, revision: int) -> None:
        """Say that `kind` `name` stays at `revision`."""
        self.kind, self.name, self.revision = kind, name, revision
        super().__init__(f"{kind} {name!r} unchanged, revision {revision}")


class AlreadyActive(NothingToChange):
    """The stack that was to be activated is active."""

    def __init__(self, name: str) -> None:
        """Say that the stack `name` is active already."""
        self.kind, self.name = "stack", name
        StackfoldError.__init__(self, f"stack {name!r} is active already")


class Protected(StackfoldError):
    """The default stack and its components stay as they are."""

    def __init__(self, kind: str, name: str, action: str) -> None:
        """Refuse `action`, such as "deleted", on the default `kind`."""
        self.kind, self.name, self.action = kind, name, action
        super().__init__(f"the {kind} {name!r} cannot be {action}: copy it and change the copy")


class InUse(StackfoldError):
    """Something still depends on what was to be deleted."""

    def __init__(self, kind: str, name: str, users: Sequence[str], user_kind: str) -> None:
        """Name the `users` of `kind` `name`, all of them of `user_kind`."""
        self.kind, self.name, self.users, self.user_kind = kind, name, tuple(users), user_kind
        plural = user_kind if len(self.users) == 1 else f"{user_kind}s"
        super().__init__(
            f"{kind} {name!r} is used by {plural} {', '.join(map(repr, self.users))}: "
            "change or delete them first"
        )


class StackActive(StackfoldError):
    """The active stack cannot be deleted."""

    def __init__(self, name: str, scopes: Sequence[str] = ()) -> None:
        """Refuse to delete the stack `name`, and say in which `scopes` it is active."""
        self.name, self.scopes = name, tuple(scopes)
        where = [scope.replace("/", " in ").replace(":", " ") for scope in scopes]
        places = "" if where == ["global"] or not where else f" ({', '.join(where)})"
        super().__init__(f"stack {name!r} is active{places}: activate another stack first")


class IncompleteStack(StackfoldError):
    """A stack lacks a component that every stack needs."""

    def __init__(self, name: str, missing: Sequence[str]) -> None:
        """Name the `missing` component types of the stack `name`."""
        self.name, self.missing = name, tuple(missing)
        super().__init__(
            f"stack {name!r} needs {' and '.join(with_article(noun) for noun in self.missing)}"
        )


class TooManyComponents(StackfoldError):
    """A stack may hold one component of most types."""

    def __init__(self, noun: str) -> None:
        """Refuse the second component of the type called `noun`."""
        self.noun = noun
        super().__init__(f"a stack can hold one {noun} only: give it once")


class NotInStack(StackfoldError):
    """The stack does not hold what was named."""

    def __init__(self, stack: str, noun: str, name: str = "") -> None:
        """Say that `stack` holds no component of the type `noun`, or none called `name`."""
        self.stack, self.noun, self.name = stack, noun, name
        super().__init__(f"stack {stack!r} holds no {noun}" + (f" {name!r}" if name else ""))


class ComponentsDiffer(StackfoldError):
    """A stack cannot be imported as it is: other components have the names of its own."""

    def __init__(self, components: Sequence[str]) -> None:
        """Name the `components` that are there with another flavor or configuration."""
        self.components = tuple(components)
        super().__init__(
            f"already there, but with another flavor or configuration: {', '.join(components)}; "
            "give --on-clash reuse to take what is there, or --on-clash rename for what comes in"
        )
