"""The port of orchestrators, which decide where and in which order steps are executed."""

from abc import abstractmethod
from typing import TYPE_CHECKING, NamedTuple, Protocol

from stackfold.application.ports.stack_component import ConfigurationT, StackComponent
from stackfold.application.ports.step_executor import StepExecutor
from stackfold.domain.runs.failure_mode import FailureMode
from stackfold.domain.stacks.component_type import ComponentType

if TYPE_CHECKING:
    from stackfold.domain.runs.run import StepDefinition


class JobImage(NamedTuple):
    """The container image that an engine starts the steps of a run from."""

    name: str
    """With its digest if it was built; with its tag in a dry run."""
    source: str
    """The pipeline, relative to the working folder: "file.py:name"."""


class RunPlan(NamedTuple):
    """The steps of a run for an orchestrator to execute."""

    run: str
    """The run's id."""
    pipeline: str
    steps: "tuple[StepDefinition, ...]"
    """In topological order."""
    mode: FailureMode = FailureMode.FAIL_FAST
    """What happens to the other steps when one has failed."""
    image: JobImage | None = None
    """Built by the stack's image builder; None if the orchestrator takes none."""


class Execute(Protocol):
    """Executes one step of a run; may be called from several threads at once."""

    def __call__(self, step: str, executor: StepExecutor | None = None, /) -> None:
        """Execute a step and record its outcome.

        Args:
            step: The step's name.
            executor: Where the step's function runs; None for the calling thread.

        Raises:
            BaseException: What the step raised, once its retries are used up.
        """
        ...


class Orchestrator(StackComponent[ConfigurationT]):
    """Decides where and in which order the steps of a run are executed."""

    component_type = ComponentType.ORCHESTRATOR

    @property
    def takes_image(self) -> bool:
        """Whether it starts steps from a container image, if the stack can build one."""
        return False

    @abstractmethod
    def run(self, plan: RunPlan, execute: Execute) -> None:
        """Execute every step of the plan, each once and after those upstream of it.

        A step has failed when `execute` raises an Exception or SystemExit. Then no step downstream
        of it may begin, and the plan's mode decides about the others. Anything else that is
        raised, such as KeyboardInterrupt, here or by `execute`, ends the run: no further step
        begins, and running steps are ended by StepStopped.

        When this returns or raises, no step of the run is being executed any more, as far as the
        orchestrator can ensure that.

        Args:
            plan: The run's graph.
            execute: Executes one step.

        Raises:
            BaseException: What a failed step raised; of several, the first in the plan. Or what
                ended the run.
        """
