"""The component types: what a component of a stack is used for."""

from enum import StrEnum


class ComponentType(StrEnum):
    """What a component is used for; the value is its name in data and in Python."""

    ORCHESTRATOR = "orchestrator"
    ARTIFACT_STORE = "artifact_store"
    CONTAINER_REGISTRY = "container_registry"
    STEP_OPERATOR = "step_operator"
    EXPERIMENT_TRACKER = "experiment_tracker"
    MODEL_DEPLOYER = "model_deployer"
    MODEL_REGISTRY = "model_registry"
    FEATURE_STORE = "feature_store"
    ALERTER = "alerter"
    ANNOTATOR = "annotator"
    DATA_VALIDATOR = "data_validator"
    IMAGE_BUILDER = "image_builder"

    @property
    def several_per_stack(self) -> bool:
        """Whether a stack may contain several components of this type."""
        return self in _SEVERAL_PER_STACK

    @property
    def required(self) -> bool:
        """Whether every stack needs a component of this type."""
        return self in REQUIRED

    @property
    def command(self) -> str:
        """The name on the command line, such as `artifact-store`."""
        return self.value.replace("_", "-")

    @property
    def noun(self) -> str:
        """The noun for messages, such as `artifact store`."""
        return self.value.replace("_", " ")


_SEVERAL_PER_STACK = frozenset(
    {ComponentType.STEP_OPERATOR, ComponentType.EXPERIMENT_TRACKER, ComponentType.ALERTER}
)
REQUIRED = (ComponentType.ORCHESTRATOR, ComponentType.ARTIFACT_STORE)
"""The types of which every stack needs a component."""
