"""StackComponent: the base of every flavor's class, and of its configuration."""

from abc import ABC
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, Protocol, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, WithJsonSchema

from stackfold.domain.errors import MissingSecret
from stackfold.domain.stacks.component_type import ComponentType, TypeOrName
from stackfold.domain.stacks.secret_references import is_reference


class Configuration(BaseModel):
    """The base of every flavor's configuration: frozen, and without unknown attributes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


if TYPE_CHECKING:
    # Type checkers know it, and Python from 3.13 on: without a parameter, it is Any.
    from typing_extensions import TypeVar

    ConfigurationT = TypeVar("ConfigurationT", bound=BaseModel, default=Any)
else:
    from typing import TypeVar

    ConfigurationT = TypeVar("ConfigurationT", bound=BaseModel)


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
"""Type of a configuration field that holds a reference such as `{{name.key}}`, never a value."""


class SecretReader(Protocol):
    """Reads the values of secrets; can be pickled, without any value."""

    def value(self, reference: str) -> str:
        """Return the value of a reference such as `{{name.key}}`.

        Args:
            reference: The reference, such as `{{aws.key}}`.

        Raises:
            MissingSecret: The secret does not exist.
            SecretStoreUnavailable: Its store cannot be read.
        """
        ...


class StackComponent(ABC, Generic[ConfigurationT]):
    """The base of every flavor's class; the parameter is the class of its configuration.

        class Folder(ArtifactStore[FolderConfiguration]):
            flavor = "folder"

    Instances are pickled and sent to the process that executes a step; a class that holds
    connections drops them in `__getstate__`.
    """

    component_type: ClassVar[ComponentType]
    """Set by each port."""
    flavor: ClassVar[str]
    """The flavor's name, unique within its type."""
    Configuration: ClassVar[type[BaseModel]]
    """The model that validates a component's configuration; derives from `Configuration` above. By
    default the parameter of the base class."""
    is_remote: bool = False
    """Whether other machines do its work or can read what it stores. May be a property that reads
    the configuration, but must not connect to anything."""
    has_own_environment: bool = False
    """Whether the flavor's requirements are used only in another Python environment, named by the
    configuration, and need not be installed here. May be a property, too."""
    needs: tuple[TypeOrName, ...] = ()
    """The other component types that a stack must contain. May be a property, too."""
    requires: ClassVar[tuple[str, ...]] = ()
    """pip requirements of a user-defined flavor."""
    secrets: SecretReader | None = None
    """Set for a run; use `secret`."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "Configuration" not in vars(cls):
            for base in vars(cls).get("__orig_bases__", ()):
                for parameter in get_args(base):
                    if isinstance(parameter, type) and issubclass(parameter, BaseModel):
                        cls.Configuration = parameter

    def __init__(self, configuration: ConfigurationT, home: Path) -> None:
        """Create the component from a valid configuration; must not connect to anything yet.

        Args:
            configuration: An instance of this class's `Configuration`.
            home: The folder of the workspace, to which relative paths refer.
        """
        self.configuration = configuration
        self.home = home

    def check_connection(self) -> None:  # most connect to nothing
        """Check that the service behind this component can be used; does nothing by default.

        Called only by `stackfold stack check --connect`. Uses the configured address and
        credentials, changes nothing, and returns or raises after a bounded wait.

        Raises:
            StackfoldError: The service cannot be used; the message is the reason, in one line.
        """

    def secret(self, reference: str) -> str:
        """Return the value of a secret reference in the configuration; do not store it.

        Args:
            reference: The reference, such as `{{aws.key}}`.

        Raises:
            MissingSecret: The secret does not exist.
            SecretStoreUnavailable: Its store cannot be read.
        """
        if self.secrets is None:
            raise MissingSecret({reference: ""})
        return self.secrets.value(reference)
