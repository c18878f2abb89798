"""Views of models and their versions."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class ModelView(NamedTuple):
    """A model, now or at a point in the past."""

    id: str
    name: str
    description: str
    latest: int | None
    """The number of the newest completed version; None if there is none."""
    aliases: Mapping[str, int]
    """Alias → the number of the version that it stands for; stages first."""
    gates: Mapping[str, str]
    """Alias → the rule that a version must meet to be promoted to it."""
    tags: Sequence[str]
    card: Mapping[str, str]
    """The texts of its card: license, audience, use_cases, limitations, trade_offs, ethics."""
    revision: int
    created: str
    """RFC 3339, UTC."""
    updated: str
    """When this revision was recorded: RFC 3339, UTC."""
    by: str
    """Who recorded this revision."""


class ModelVersionView(NamedTuple):
    """A version of a model, now or at a point in the past."""

    id: str
    model: str
    """The name of the model."""
    number: int
    label: str
    """Its name, which no other version of the model has; may be empty."""
    status: str
    """"open" until its run has completed, then "completed"; "archived" after it left a stage;
    "abandoned" if its run was deleted before it completed."""
    aliases: Sequence[str]
    """The aliases that stand for it; stages first."""
    run: str
    """The name of the run that made it; its id if the run was deleted."""
    pipeline: str
    """The pipeline of that run; empty if the run was deleted."""
    stack: str
    """The name of the stack when the run started."""
    stack_revision: int
    metrics: Mapping[str, float]
    """The metrics of its runs, by name, or by step and name if several steps have one."""
    description: str
    tags: Sequence[str]
    revision: int
    created: str
    """When its run started: RFC 3339, UTC."""
    updated: str
    """When this revision was recorded: RFC 3339, UTC."""
    by: str
    """Who recorded this revision."""


class Promotion(NamedTuple):
    """How an alias came to stand for a version."""

    alias: str
    number: int
    position: int
    """The position in the log."""
    when: str
    """RFC 3339, UTC."""
    by: str
    why: str
    action: str
    """What was done: "promoted", "rolled back", "reverted" or "restored"."""
    run: str = ""
    """The run that made the version."""
    stack: str = ""
    """The stack of that run."""
    stack_revision: int = 0
    inputs: Mapping[str, str] = {}
    """Reference of an artifact that its runs were given → the exact version that it was pinned to.
    """
    deployments: Sequence[str] = ()
    """The deployments that serve the version."""


class VerdictView(NamedTuple):
    """What a gate found about a version that was to be promoted."""

    number: int
    """The number of the version."""
    alias: str
    outcome: str
    """"passed"; "refused"; or "forced", if it was promoted although the gate refused it."""
    rule: str
    findings: Sequence[str]
    """One line for each condition that was met, with the values that were compared."""
    failures: Sequence[str]
    """One line for each condition that was not met, with the values that were compared."""
    compared: Mapping[str, int]
    """Alias → the number of the version that it stood for."""
    position: int
    """The position in the log."""
    when: str
    """RFC 3339, UTC."""
    by: str
    why: str


class ModelDescription(NamedTuple):
    """A model with how each alias came to stand for its version."""

    id: str
    name: str
    description: str
    latest: int | None
    promotions: Sequence[Promotion]
    """One for each alias that stands for a version; stages first."""
    gates: Mapping[str, str]
    tags: Sequence[str]
    card: Mapping[str, str]
    revision: int
    created: str
    updated: str
    by: str


class ModelVersionDescription(NamedTuple):
    """A version of a model with everything that is linked to it."""

    id: str
    model: str
    number: int
    label: str
    status: str
    aliases: Sequence[str]
    run: str
    """The run that made it."""
    pipeline: str
    stack: str
    stack_revision: int
    metrics: Mapping[str, float]
    runs: Sequence[str]
    """The run that made it, and those that continued it."""
    artifacts: Sequence[str]
    """The outputs of its runs, as "pipeline/step/output@version"."""
    inputs: Mapping[str, str]
    """Reference of an artifact that its runs were given → the exact version that it was pinned to.
    """
    deployments: Sequence[str]
    """The names of the deployments that serve one of these artifacts now."""
    description: str
    tags: Sequence[str]
    metadata: Mapping[str, Any]
    revision: int
    created: str
    updated: str
    by: str


class VersionComparison(NamedTuple):
    """A field in which two versions may differ."""

    field: str
    values: Sequence[Any]
    """The value of each version; None where it has none."""
