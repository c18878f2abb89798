"""Component types without methods: a stack can name them, but no run calls them yet."""

from stackfold.application.ports.stack_component import StackComponent
from stackfold.domain.stacks.component_type import ComponentType


class ModelRegistry(StackComponent):
    """Stores named versions of models."""

    component_type = ComponentType.MODEL_REGISTRY


class FeatureStore(StackComponent):
    """Serves features for training and prediction."""

    component_type = ComponentType.FEATURE_STORE


class Alerter(StackComponent):
    """Sends notifications to people."""

    component_type = ComponentType.ALERTER


class Annotator(StackComponent):
    """Lets people label data."""

    component_type = ComponentType.ANNOTATOR


class DataValidator(StackComponent):
    """Validates data."""

    component_type = ComponentType.DATA_VALIDATOR
