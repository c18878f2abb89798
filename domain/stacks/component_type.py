"""The twelve kinds of tool that a stack can be made of."""

from enum import StrEnum


class ComponentType(StrEnum):
    """What a component does in a stack; its value is the name used in data and in Python."""

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
        """Whether one stack may hold more than one component of this type."""
        return self in _SEVERAL_PER_STACK

    @property
    def required(self) -> bool:
        """Whether every stack needs a component of this type."""
        return self in REQUIRED

    @property
    def command(self) -> str:
        """Its name on the command line, such as `artifact-store`."""
        return self.value.replace("_", "-")

    @property
    def noun(self) -> str:
        """Its name in a sentence, such as `artifact store`."""
        return self.value.replace("_", " ")


_SEVERAL_PER_STACK = frozenset(
    {ComponentType.STEP_OPERATOR, ComponentType.EXPERIMENT_TRACKER, ComponentType.ALERTER}
)
REQUIRED = (ComponentType.ORCHESTRATOR, ComponentType.ARTIFACT_STORE)
"""The types that every stack needs a component of."""
