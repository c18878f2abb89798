"""What the classes of all flavors have in common, whatever they do in a stack."""

from abc import ABC
from pathlib import Path
from typing import Annotated, ClassVar, Protocol

from pydantic import AfterValidator, BaseModel, ConfigDict, WithJsonSchema

from stackfold.domain.errors import MissingSecret
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.domain.stacks.secret_references import is_reference


class Configuration(BaseModel):
    """The base of every flavor's configuration: frozen, and refusing unknown attributes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _reference(value: str) -> str:
    # The message must not repeat the value: it may be the secret itself.
    if not is_reference(value):
        raise ValueError(
            "is a secret and the log is forever: store it as a secret and give {{name.key}}"
        )
    return value


Secret = Annotated[
    str,
    AfterValidator(_reference),
    WithJsonSchema({"type": "string", "format": "secret-reference"}),
]
"""The type of a configuration field that holds a reference such as `{{name.key}}`, never a text."""


class SecretReader(Protocol):
    """The way from a reference to the secret value; can be pickled, and holds no value then."""

    def value(self, reference: str) -> str:
        """The value that a reference such as `{{name.key}}` stands for.

        Raises:
            MissingSecret: There is none.
            SecretStoreUnavailable: The store that has it cannot be read.
        """
        ...


class StackComponent(ABC):
    """What the class of every flavor has in common.

    An instance can be pickled: it travels to where a step runs. One that holds connections leaves
    them out in `__getstate__`.
    """

    component_type: ClassVar[ComponentType]
    """Set by each port."""
    flavor: ClassVar[str]
    """The flavor's name, unique within its type."""
    Configuration: ClassVar[type[BaseModel]]
    """The model that a component's configuration must fit; derives from ours above."""
    is_remote: bool = False
    """Whether other machines take part: its work is done there, or what it keeps can be had from
    there. May be a property that looks at the configuration, but reaches out to nothing."""
    has_own_environment: bool = False
    """Whether what the flavor requires is used in another Python environment only, which the
    configuration names, and need not be here. May be a property, too."""
    needs: tuple[ComponentType, ...] = ()
    """What else a stack must hold for it to work. May be a property, too."""
    requires: ClassVar[tuple[str, ...]] = ()
    """The pip requirements of a flavor of one's own."""
    secrets: SecretReader | None = None
    """Set for a run; use `secret`."""

    def __init__(self, configuration: BaseModel, home: Path) -> None:
        """Set up from a valid configuration; must not reach out to anything yet.

        Args:
            configuration: An instance of this class's `Configuration`.
            home: The folder of the workspace, to which relative paths refer.
        """
        self.configuration = configuration
        self.home = home

    def check_connection(self) -> None:  # noqa: B027  # most connect to nothing
        """Ask what this component connects to whether it can be used; does nothing by default.

        `stackfold stack check --connect` calls it, and nothing else does. It uses the configured
        address and credentials, changes nothing there, and returns or raises after a bounded wait.

        Raises:
            StackfoldError: It cannot be used; the text says why, in one line.
        """

    def secret(self, reference: str) -> str:
        """The value behind a reference in the configuration; ask when it is used, do not keep it.

        Raises:
            MissingSecret: There is none.
            SecretStoreUnavailable: The store that has it cannot be read.
        """
        if self.secrets is None:
            raise MissingSecret({reference: ""})
        return self.secrets.value(reference)
