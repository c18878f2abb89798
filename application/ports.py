"""What a flavor's class must be able to do: one port per component type."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated, Any, BinaryIO, ClassVar, NamedTuple, Protocol, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, WithJsonSchema

from stackfold.domain.component_type import ComponentType
from stackfold.domain.run import StepDefinition


class Configuration(BaseModel):
    """The base of every flavor's configuration: frozen, and refusing unknown attributes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


_REFERENCE = re.compile(r"\{\{ *[\w-]+\.[\w-]+ *\}\}")


def _reference(value: str) -> str:
    # The message must not repeat the value: it may be the secret itself.
    if not _REFERENCE.fullmatch(value):
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

    def __init__(self, configuration: BaseModel, home: Path) -> None:
        """Set up from a valid configuration; must not reach out to anything yet.

        Args:
            configuration: An instance of this class's `Configuration`.
            home: The folder of the workspace, to which relative paths refer.
        """
        self.configuration = configuration
        self.home = home


FindClass = Callable[[str], type]
"""From "module.Class" to that class, if the program has it already; never imports anything."""

Answer = TypeVar("Answer")


class RunPlan(NamedTuple):
    """What an orchestrator gets to run."""

    run: str
    """The run's id."""
    pipeline: str
    steps: tuple[StepDefinition, ...]
    """In topological order."""


class Orchestrator(StackComponent):
    """Decides where and in which order the steps of a run are executed."""

    component_type = ComponentType.ORCHESTRATOR

    @abstractmethod
    def run(self, plan: RunPlan, execute: Callable[[str], None]) -> None:
        """Execute every step of the plan, each after those upstream of it.

        Args:
            plan: The run's graph.
            execute: Executes the step of that name, and records what came of it; raises what
                the step raised, and then no step downstream of it may be executed.
        """


class StoredArtifact(NamedTuple):
    """What became of the bytes that were written to an artifact store."""

    uri: str
    digest: str
    """sha256 in hexadecimal."""
    size: int
    """Length in bytes."""


class ArtifactWriter(Protocol):
    """A binary file open for writing, and what became of it once its block has ended."""

    stored: StoredArtifact

    def write(self, data: bytes, /) -> int:
        """Append bytes."""


class ArtifactStore(StackComponent):
    """Keeps the values that steps produce, addressed by their content."""

    component_type = ComponentType.ARTIFACT_STORE

    @abstractmethod
    def create(self) -> AbstractContextManager[ArtifactWriter]:
        """Open a new artifact for writing.

        When the block ends the artifact is durable and whole; when it raises there is nothing.
        The same bytes are stored once.
        """

    @abstractmethod
    def open(self, uri: str, digest: str) -> AbstractContextManager[BinaryIO]:
        """Open an artifact for reading.

        Raises:
            ArtifactDamaged: It is gone, or its bytes are not those with this sha256.
            OutsideStore: The address is not inside this store.
        """

    @abstractmethod
    def size(self, uri: str) -> int | None:
        """The artifact's length in bytes, or None if it is not there.

        Raises:
            OutsideStore: The address is not inside this store.
        """

    @abstractmethod
    def delete(self, uri: str) -> None:
        """Remove an artifact; one that is not there is fine.

        Raises:
            OutsideStore: The address is not inside this store.
        """

    @abstractmethod
    def uris(self) -> Iterator[str]:
        """The address of every artifact in the store."""


class StepOperator(StackComponent):
    """Executes single steps somewhere else than the orchestrator does."""

    component_type = ComponentType.STEP_OPERATOR

    @abstractmethod
    def execute(self, call: Callable[[], Answer]) -> Answer:
        """Execute a call elsewhere and wait for it.

        Args:
            call: What to execute; cloudpickle can carry it. It reads its inputs from the
                artifact store and writes its outputs there, so that both stay small.

        Returns:
            What the call returned.

        Raises:
            StepProcessDied: The process ended without an answer.
            BaseException: What the call raised, SystemExit included; its last note
                (`add_note`) is the traceback of where it happened.
        """


class ContainerRegistry(StackComponent):
    """Keeps container images."""

    component_type = ComponentType.CONTAINER_REGISTRY

    @property
    @abstractmethod
    def uri(self) -> str:
        """Where images are pushed to and pulled from, such as `registry.example.com/team`."""


class ImageBuilder(StackComponent):
    """Builds container images."""

    component_type = ComponentType.IMAGE_BUILDER


class ExperimentTracker(StackComponent):
    """Records the parameters and metrics of experiments."""

    component_type = ComponentType.EXPERIMENT_TRACKER


class ModelDeployer(StackComponent):
    """Serves models."""

    component_type = ComponentType.MODEL_DEPLOYER


class ModelRegistry(StackComponent):
    """Keeps named versions of models."""

    component_type = ComponentType.MODEL_REGISTRY


class FeatureStore(StackComponent):
    """Serves features for training and prediction."""

    component_type = ComponentType.FEATURE_STORE


class Alerter(StackComponent):
    """Tells people."""

    component_type = ComponentType.ALERTER


class Annotator(StackComponent):
    """Lets people label data."""

    component_type = ComponentType.ANNOTATOR


class DataValidator(StackComponent):
    """Checks data."""

    component_type = ComponentType.DATA_VALIDATOR


class Materializer(ABC):
    """Writes values of some types to a file, and reads them back exactly as they were."""

    name: ClassVar[str]
    """Recorded with each artifact; by it the reader is found again."""

    @abstractmethod
    def prepare(self, value: object) -> Callable[[ArtifactWriter], object] | None:
        """Return what writes `value` to a file, or None if that is not for this materializer.

        Must not import a library that `value` does not come from.
        """

    @abstractmethod
    def read(self, file: BinaryIO, type_name: str, find_class: FindClass) -> Any:
        """Read a value back.

        Args:
            file: What was written, from its beginning.
            type_name: The value's type, as "module.Class".
            find_class: The only way from a name that was read to a class.
        """


PORTS: dict[ComponentType, type[StackComponent]] = {
    port.component_type: port
    for port in (
        Orchestrator,
        ArtifactStore,
        ContainerRegistry,
        StepOperator,
        ExperimentTracker,
        ModelDeployer,
        ModelRegistry,
        FeatureStore,
        Alerter,
        Annotator,
        DataValidator,
        ImageBuilder,
    )
}
"""Component type → the class that every flavor of that type derives from."""
