"""Component types without methods: a stack can name them, but no run calls them yet."""

from stackfold.application.ports.stack_component import ConfigurationT, StackComponent
from stackfold.domain.stacks.component_type import ComponentType


class Annotator(StackComponent[ConfigurationT]):
    """Lets people label data."""

    component_type = ComponentType.ANNOTATOR
