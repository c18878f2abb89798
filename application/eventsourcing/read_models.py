"""Every read model; its declaration is loaded when one of its events comes along.

Loading a model loads the events that it folds, and making their classes takes longer than a short
command should. So what is written to a log is looked up here by the first word of its topic.
"""

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any

from stackfold.application.eventsourcing.projection import TableProjection, TemporalProjection

_TEMPORAL = {
    "stack": "stacks",
    "component": "components",
    "flavor": "flavors",
    "activation": "activations",
    "deployment": "deployments",
}
_PLAIN = {"run": ("runs", "artifacts")}
"""What one derives from the rows of another comes after that."""


_PLACES = {
    "stacks": "stackfold.application.stacks.stack_projection",
    "components": "stackfold.application.stacks.component_projection",
    "flavors": "stackfold.application.stacks.flavor_projection",
    "activations": "stackfold.application.stacks.activation_projection",
    "deployments": "stackfold.application.deployments.deployment_projection",
    "runs": "stackfold.application.runs.run_projection",
    "artifacts": "stackfold.application.artifacts.artifact_projection",
}


@cache
def temporal(topic: str) -> TemporalProjection | None:
    """The read model with a row per revision of the aggregates of a topic; None if it has none."""
    model: TemporalProjection | None = _declared(_TEMPORAL[topic]) if topic in _TEMPORAL else None
    return model


@cache
def plain(topic: str) -> Sequence[TableProjection]:
    """The read models with a row per fact that the events of a topic's aggregates tell."""
    return [_declared(name) for name in _PLAIN.get(topic, ())]


def every_temporal() -> Sequence[TemporalProjection]:
    """All read models with a row per revision."""
    return [model for topic in _TEMPORAL if (model := temporal(topic))]


def every_plain() -> Sequence[TableProjection]:
    """All read models with a row per fact."""
    return [model for topic in _PLAIN for model in plain(topic)]


def _declared(name: str) -> Any:
    module = import_module(_PLACES[name])
    return getattr(module, name.upper())
