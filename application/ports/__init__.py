"""Ports: the base class of the flavors of each component type.

Start with `stack_component.py`, then read the classes in this file.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol, TypeVar

from stackfold.application.ports.experiment_tracker import ExperimentTracker
from stackfold.application.ports.image_builder import (
    ContainerRegistry,
    Credentials,
    ImageBuilder,
    ImagePlan,
)
from stackfold.application.ports.image_views import BuiltImage, Recipe
from stackfold.application.ports.model_deployer import ModelDeployer
from stackfold.application.ports.stack_component import (
    Configuration,
    Secret,
    SecretReader,
    StackComponent,
)
from stackfold.domain.pipelines.options import FailureMode
from stackfold.domain.stacks.component_type import ComponentType

if TYPE_CHECKING:
    from stackfold.domain.runs.run import StepDefinition

__all__ = [
    "PORTS",
    "Alerter",
    "Annotator",
    "Answer",
    "ArtifactStore",
    "ArtifactWriter",
    "BuiltImage",
    "Configuration",
    "ContainerRegistry",
    "Credentials",
    "DataValidator",
    "Execute",
    "ExperimentTracker",
    "FeatureStore",
    "ImageBuilder",
    "ImagePlan",
    "Kept",
    "ModelDeployer",
    "ModelRegistry",
    "Orchestrator",
    "Recipe",
    "RunPlan",
    "Secret",
    "SecretReader",
    "StackComponent",
    "StepExecutor",
    "StepOperator",
    "StepStopped",
    "StoredArtifact",
]

Answer = TypeVar("Answer")


class StepStopped(BaseException):
    """Raised in a step that is running, to end it; its text says why."""


class StepExecutor(Protocol):
    """Where a step is executed: in the thread that asks, in another process, somewhere else."""

    def execute(self, call: Callable[[], Answer], timeout: float | None = None) -> Answer:
        """Execute a call there and wait for it.

        Args:
            call: What to execute. It reads its inputs from the artifact store and writes its
                outputs there, so that it and its answer stay small.
            timeout: Seconds that it may take; None for ever.

        Raises:
            StepTimedOut: It took longer, and was ended or is no longer waited for.
            StepStopped: It was ended because the run ends.
            BaseException: What the call raised.
        """
        ...

    def here(self, call: Callable[[], Answer]) -> Answer:
        """Execute a call in this thread, wherever the place is, and end it when the run ends.

        Raises:
            StepStopped: It was ended because the run ends.
            BaseException: What the call raised.
        """
        ...


class RunPlan(NamedTuple):
    """What an orchestrator gets to run."""

    run: str
    """The run's id."""
    pipeline: str
    steps: "tuple[StepDefinition, ...]"
    """In topological order."""
    mode: FailureMode = FailureMode.FAIL_FAST
    """What becomes of the other steps when one has failed."""


class Execute(Protocol):
    """Executes one step of a run; threads may execute several at once."""

    def __call__(self, step: str, place: StepExecutor | None = None, /) -> None:
        """Execute the step of that name, and record what came of it.

        Args:
            step: The step's name.
            place: Where; None for the thread that asks.

        Raises:
            BaseException: What the step raised, once its retries are used up.
        """
        ...


class Orchestrator(StackComponent):
    """Decides where and in which order the steps of a run are executed."""

    component_type = ComponentType.ORCHESTRATOR

    @abstractmethod
    def run(self, plan: RunPlan, execute: Execute) -> None:
        """Execute every step of the plan, each once and after those upstream of it.

        A step has failed when `execute` raises an Exception or SystemExit. Then no step downstream
        of it may begin, and the plan's mode says what becomes of the others. Anything else that
        is raised, such as KeyboardInterrupt, here or by `execute`, ends the run: no step begins
        any more, and those that are running are ended by StepStopped.

        When this returns or raises, nothing of the run is executed any more, as far as that is in
        the orchestrator's power.

        Args:
            plan: The run's graph.
            execute: Executes one step.

        Raises:
            BaseException: What a failed step raised; of several, the one that is first in the
                plan. Or what ended the run.
        """


class StoredArtifact(NamedTuple):
    """What became of the bytes that were written to an artifact store."""

    uri: str
    digest: str
    """sha256 in hexadecimal."""
    size: int
    """Length in bytes."""


class Kept(NamedTuple):
    """An artifact as its store finds it."""

    uri: str
    size: int
    """Length in bytes."""
    written: datetime
    """When it was written last, by the clock of the store, in UTC."""


class ArtifactWriter(Protocol):
    """A binary file open for writing, and what became of it once its block has ended."""

    stored: StoredArtifact

    def write(self, data: bytes, /) -> int:
        """Append bytes."""
        ...


class ArtifactStore(StackComponent):
    """Keeps the values that steps produce, addressed by their content."""

    component_type = ComponentType.ARTIFACT_STORE

    def environment(self) -> Mapping[str, str]:
        """Variables by which a server of models reads this store's addresses; none by default.

        They go into manifests for Kubernetes, so they hold no secret.
        """
        return {}

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
    def delete(self, uri: str, before: datetime | None = None) -> bool:
        """Remove an artifact; one that is not there is fine.

        Args:
            uri: Its address.
            before: Only if it was written before this time. Whoever writes the same bytes
                meanwhile keeps them.

        Returns:
            Whether there was something to remove, and it was removed.

        Raises:
            OutsideStore: The address is not inside this store.
        """

    @abstractmethod
    def kept(self) -> Iterator[Kept]:
        """Every artifact in the store, by address; those that come and go meanwhile may miss."""

    def here(self, uri: str) -> str:
        """The address under which an artifact is in this store now, as `kept` tells it.

        Args:
            uri: The address that was recorded; the store may have been moved since.
        """
        return uri

    def sweep(self, before: datetime) -> int:
        """Remove what writers left behind that were killed.

        Args:
            before: Only what was written last before this time.

        Returns:
            How many bytes it took.
        """
        return 0


class StepOperator(StackComponent):
    """Executes single steps somewhere else than the orchestrator does."""

    component_type = ComponentType.STEP_OPERATOR

    @abstractmethod
    def execute(self, call: Callable[[], Answer], timeout: float | None = None) -> Answer:
        """Execute a call elsewhere and wait for it.

        What it prints there is written to `sys.stdout` and `sys.stderr` here, in the thread that
        waits.

        Args:
            call: What to execute; cloudpickle can carry it. It reads its inputs from the
                artifact store and writes its outputs there, so that both stay small.
            timeout: Seconds that it may take before it is ended; None for ever.

        Returns:
            What the call returned.

        Raises:
            StepProcessDied: The process ended without an answer.
            StepTimedOut: It took longer, and was ended.
            BaseException: What the call raised, SystemExit included; its last note
                (`add_note`) is the traceback of where it happened.
        """


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
