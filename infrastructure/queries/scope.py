"""Scope: what determines which stack is active for a user."""

from typing import NamedTuple

GLOBAL = "global"


class Scope(NamedTuple):
    """The scopes of a user, which determine the stack that is active for them."""

    override: str | None = None
    """The name or id of a stack that is active regardless of the log."""
    project: str | None = None
    """The scope of the current project, such as "project:<id>"."""
    user: str | None = None
    """In a shared log, where each user has their own active stacks: "user:<name>"."""

    @property
    def own(self) -> str:
        """The scope that the user activates stacks in."""
        return "/".join(filter(None, (self.user, self.project))) or GLOBAL

    @property
    def all(self) -> tuple[str, ...]:
        """The scopes of the user; the first with an active stack takes precedence."""
        return tuple(dict.fromkeys((self.own, self.user or GLOBAL, GLOBAL)))


EVERYWHERE = Scope()
