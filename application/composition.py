"""How callers say which components a stack is made of."""

from collections.abc import Sequence
from typing import TypedDict

Names = str | Sequence[str]
"""One component by name, id or unique prefix; or several, the default one first."""


class Composition(TypedDict, total=False):
    """Component type → components, by name, id or unique prefix."""

    orchestrator: Names
    artifact_store: Names
    container_registry: Names
    step_operator: Names
    experiment_tracker: Names
    model_deployer: Names
    model_registry: Names
    feature_store: Names
    alerter: Names
    annotator: Names
    data_validator: Names
    image_builder: Names


def several(names: Names) -> Sequence[str]:
    """The names, whether one was given or several."""
    return [names] if isinstance(names, str) else names
