"""Stacks and components."""

from collections.abc import Sequence
from typing import NamedTuple

from stackfold.domain.errors.bases import (
    PUBLIC_MODULE,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    StackfoldError,
    Unavailable,
)
from stackfold.domain.errors.wording import with_article


class NothingToChange(StackfoldError):
    """A command would change nothing, so nothing was recorded; not a failure.

    Attributes:
        kind: What was to be changed, such as "stack".
        name: Its name.
        revision: Its revision; None if it has no revisions.
    """

    def __init__(
        self, kind: str, name: str, revision: int | None = None, *, message: str = ""
    ) -> None:
        self.kind, self.name, self.revision = kind, name, revision
        suffix = f", revision {revision}" if revision is not None else ""
        super().__init__(message or f"{kind} {name!r} unchanged{suffix}")


class NoComponent(NotFound):
    """A stack has no component of a type, or none of that name.

    Attributes:
        stack: The stack's name.
        type: The component type.
        name: The component's name; empty if the default one was asked for.
        available: The names of its components of that type.
    """

    def __init__(
        self, stack: str, type: str, name: str = "", available: Sequence[str] = ()
    ) -> None:
        self.stack, self.type, self.name, self.available = stack, type, name, tuple(available)
        noun = type.replace("_", " ")
        if not name or not available:
            problem = f"stack {stack!r} has no {noun}: register one and add it to the stack"
        else:
            names = ", ".join(map(repr, available))
            problem = f"stack {stack!r} has no {noun} {name!r:.200}: it has {names}"
        super().__init__(noun, name, message=problem)


class ComponentUnusable(Unavailable):
    """A component cannot be used in the process that executes a step.

    Attributes:
        type: The component type.
        name: The component's name.
    """

    def __init__(self, type: str, name: str, problem: str) -> None:
        self.type, self.name = type, name
        super().__init__(f"the {type.replace('_', ' ')} {name!r}", problem)


class Protected(Forbidden):
    """The default stack, its components and built-in flavors cannot be changed.

    Attributes:
        kind: What was to be changed, such as "stack".
        name: Its name.
        action: What was to be done, as a participle, such as "deleted".
        hint: What to do instead.
    """

    def __init__(
        self, kind: str, name: str, action: str, hint: str = "copy it and change the copy"
    ) -> None:
        self.kind, self.name, self.action, self.hint = kind, name, action, hint
        super().__init__(f"the {kind} {name!r} cannot be {action}: {hint}")


class InUse(Conflict):
    """Something that was to be deleted is still used.

    Attributes:
        kind: What was to be deleted, such as "artifact store".
        name: Its name.
        users: The names of what uses it.
        user_kind: What these are, such as "stack".
    """

    def __init__(self, kind: str, name: str, users: Sequence[str], user_kind: str) -> None:
        self.kind, self.name, self.users, self.user_kind = kind, name, tuple(users), user_kind
        plural = user_kind if len(self.users) == 1 else f"{user_kind}s"
        super().__init__(
            f"{kind} {name!r} is used by {plural} {', '.join(map(repr, self.users))}: "
            "change or delete them first"
        )


class StackActive(Conflict):
    """A stack that was to be deleted is active.

    Attributes:
        name: The stack's name.
        scopes: Where it is active, such as "global" or "project:ID".
    """

    def __init__(self, name: str, scopes: Sequence[str] = ()) -> None:
        self.name, self.scopes = name, tuple(scopes)
        shown = [scope.replace("/", " in ").replace(":", " ") for scope in scopes]
        where = "" if shown == ["global"] or not shown else f" ({', '.join(shown)})"
        super().__init__(f"stack {name!r} is active{where}: activate another stack first")


class IncompleteStack(Invalid):
    """A stack lacks a component that every stack needs.

    Attributes:
        name: The stack's name.
        missing: The component types that are missing.
    """

    def __init__(self, name: str, missing: Sequence[str]) -> None:
        self.name, self.missing = name, tuple(missing)
        super().__init__(
            f"stack {name!r} needs {' and '.join(with_article(noun) for noun in self.missing)}"
        )


class NotInStack(NotFound):
    """A stack does not contain the component.

    Attributes:
        stack: The stack's name.
        kind: The component's type, such as "model deployer".
        reference: The component's name; empty if the stack has none of this type.
        hint: What to do; may be empty.
    """

    def __init__(self, stack: str, kind: str, reference: str = "", hint: str = "") -> None:
        self.stack = stack
        name = f" {reference!r}" if reference else ""
        suffix = f": {hint}" if hint else ""
        super().__init__(
            kind, reference, hint, message=f"stack {stack!r} holds no {kind}{name}{suffix}"
        )


class ComponentsDiffer(Conflict):
    """A stack cannot be imported, as different components have the names of its components.

    Attributes:
        components: The existing components that differ in flavor or configuration.
    """

    def __init__(self, components: Sequence[str]) -> None:
        self.components = tuple(components)
        super().__init__(
            f"components with another flavor or configuration exist: {', '.join(components)}; "
            "reuse these, or rename the imported ones"
        )


class Violation(NamedTuple):
    """A rule that a stack breaks.

    Attributes:
        problem: What is wrong.
        fix: A command, or what to add to the one that failed.
    """

    problem: str
    fix: str


Violation.__module__ = PUBLIC_MODULE


class InvalidStack(Invalid):
    """A stack breaks rules; all of them are listed at once.

    Attributes:
        name: The stack's name.
        violations: A `Violation` for each rule that it breaks.
    """

    def __init__(self, name: str, violations: Sequence[Violation]) -> None:
        self.name, self.violations = name, tuple(violations)
        listed = "; ".join(f"{problem}: {fix}" for problem, fix in self.violations)
        super().__init__(f"stack {name!r} cannot work: {listed}")
