"""The component types of installed packages, for commands and options."""

from collections.abc import Sequence

from stackfold.domain.errors import StackfoldError
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.workspace import Workspace


def installed_types() -> Sequence[ComponentType]:
    """The component types that installed packages declare; broken declarations are omitted."""
    return Workspace.installed_component_types()


def recorded_type(command: str) -> ComponentType | None:
    """The component type of a command that the log mentions, whether or not it is installed."""
    try:
        if not command.isascii() or not Workspace.exists():
            return None
        with Workspace.open() as workspace:
            types = workspace.components.types()
    except (StackfoldError, OSError):  # it is about the word then, not about the log
        return None
    return next((type for type in types if type.command == command), None)
