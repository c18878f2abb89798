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


class Change(NamedTuple):
    """One field, before and after; None where it was or is not set."""

    field: str
    before: Any
    after: Any


class HistoryEntry(NamedTuple):
    """What one event changed."""

    position: int
    """Its place in the log."""
    change: int
    """The position of the first event that was committed together with it."""
    when: str
    """When it was recorded: RFC 3339, UTC."""
    by: str
    why: str
    kind: str
    """What it changed: "stack", a component type, "flavor", "activation", "deployment", "run"."""
    name: str
    id: str
    revision: int
    action: str
    """What was done, such as "registered" or "updated"."""
    changes: list[Change]


class LogEvent(NamedTuple):
    """An event as it was recorded."""

    position: int
    change: int
    """The position of the first event that was committed together with it."""
    recorded_at: str
    """The log's own time: RFC 3339, UTC; it never runs backwards."""
    id: str
    """Of the stack, component, flavor, activation, deployment or run that it belongs to."""
    revision: int
    topic: str
    """What happened, such as "stack.registered"."""
    data: dict[str, Any]
    """The event's fields as they were recorded, with `by`, `why` and `timestamp`; `class_version`,
    where it is there, tells which version of its fields they are."""


class LogFilter(NamedTuple):
    """Which part of the log is wanted, and in which order."""

    after: int = 0
    """Only positions after this one."""
    upto: int | None = None
    """Only positions up to this one."""
    since: str | None = None
    """Only what was recorded at or after this time, as the log writes it."""
    until: str | None = None
    """Only what was recorded at or before this time, as the log writes it."""
    by: str | None = None
    kind: str | None = None
    name: str | None = None
    limit: int | None = None
    newest_first: bool = True


class StatusView(NamedTuple):
    """Where somebody works, and what is active there."""

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


class Condition(NamedTuple):
    """What a list must fulfil: a column, an operator and a value."""

    column: str
    operator: Literal["equals", "contains", "startswith", "endswith", "oneof"]
    value: str


class Listing(NamedTuple):
    """Which part of a list is wanted, and in which order."""

    where: tuple[Condition, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    """Pairs of label and text that must all be there."""
    tags: tuple[str, ...] = ()
    """Tags that must all be there; of runs only."""
    since: str | None = None
    """Only what started then or later, in any form of `moments.AsOf`; of runs only."""
    until: str | None = None
    """Only what started then or earlier; of runs only."""
    sort_by: str = "name"
    descending: bool = False
    page: int = 1
    size: int | None = None
    """How many rows a page has; None for all."""


ALL = Listing()
"""Everything, by name."""
