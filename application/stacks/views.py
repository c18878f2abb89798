"""What the read models answer with: plain immutable rows that cost nothing to import."""

from typing import Any, Literal, NamedTuple


class StackView(NamedTuple):
    """A stack as it is, or as it was at the position that was asked for."""

    id: str
    name: str
    revision: int
    active: bool
    description: str
    labels: dict[str, str]
    components: dict[str, list[str]]
    """Component type → names, the default one first."""
    created: str
    """When it was registered: RFC 3339, UTC."""
    updated: str
    """When this revision was recorded: RFC 3339, UTC."""
    by: str
    """Who recorded this revision."""

    def __repr__(self) -> str:
        return f"<StackView {self.name}, revision {self.revision}>"


class ComponentView(NamedTuple):
    """A component as it is, or as it was at the position that was asked for."""

    id: str
    name: str
    type: str
    flavor: str
    revision: int
    configuration: dict[str, Any]
    """Only what was set explicitly."""
    labels: dict[str, str]
    stacks: list[str]
    """The names of the stacks that hold it."""
    created: str
    updated: str
    by: str

    def __repr__(self) -> str:
        return f"<ComponentView {self.type} {self.name}, revision {self.revision}>"


class FlavorView(NamedTuple):
    """A flavor that a component can be of."""

    name: str
    type: str
    integration: str
    """Where it comes from: "built-in", an extra of ours, a package's name, or "own"."""
    installed: bool
    """Whether everything it needs can be imported."""
    summary: str


class FlavorDescription(NamedTuple):
    """A flavor with what it requires and how it is configured."""

    name: str
    type: str
    integration: str
    installed: bool
    summary: str
    source: str
    """Where its class is, as "module.Class"."""
    requires: list[str]
    """pip requirements."""
    schema: dict[str, Any]
    """JSON schema of its configuration."""


class IdentityView(NamedTuple):
    """Who makes changes."""

    actor: str
    origin: str
    """The setting that names the actor, such as "git config user.email"."""
    log: str
    """Where the log is, without any password."""


class StatusView(NamedTuple):
    """The home, project and active stack of a workspace."""

    home: str
    """The folder that holds the log."""
    project: str | None
    """The folder of the project, if there is one."""
    active_stack: str | None
    """The name of the active stack; None if the environment names one that is not there."""
    chosen_by: Literal["environment", "project", "user", "global"]
    """What decides which stack is active."""
    problem: str = ""
    """Why there is no active stack."""
    store: str | None = None
    """Where the shared log is, without any password; None if it is in the home."""
