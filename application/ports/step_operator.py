"""The port of step operators, which execute single steps elsewhere than the orchestrator does."""

from abc import abstractmethod
from collections.abc import Callable

from stackfold.application.ports.stack_component import ConfigurationT, StackComponent
from stackfold.application.ports.step_executor import Result
from stackfold.domain.stacks.component_type import ComponentType


class StepOperator(StackComponent[ConfigurationT]):
    """Executes single steps elsewhere than the orchestrator does."""

    component_type = ComponentType.STEP_OPERATOR

    @abstractmethod
    def execute(self, call: Callable[[], Result], timeout: float | None = None) -> Result:
        """Execute a call elsewhere and wait for its result.

        What the call prints is written to this process's `sys.stdout` and `sys.stderr`, from the
        waiting thread.

        Args:
            call: Can be pickled by cloudpickle. Reads its inputs from the artifact store and
                writes its outputs there, so that both the call and its result stay small.
            timeout: Time limit in seconds; None for no limit.

        Returns:
            What the call returned.

        Raises:
            StepProcessDied: The process ended without a result.
            StepTimedOut: The limit was exceeded, and the call was stopped.
            BaseException: What the call raised, SystemExit included. Its last note (`add_note`)
                is the traceback from the other process.
        """
