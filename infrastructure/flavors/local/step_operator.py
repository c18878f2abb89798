"""The step operator `local`."""

from collections.abc import Callable

from stackfold.application import ports
from stackfold.application.ports import Answer, StepOperator
from stackfold.infrastructure.flavors.local.processes import StepProcess, portable


class LocalStepOperator(StepOperator):
    """Runs each step in a fresh Python process on this machine."""

    flavor = "local"

    class Configuration(ports.Configuration):
        """Nothing to configure."""

    def execute(self, call: Callable[[], Answer], timeout: float | None = None) -> Answer:
        request = portable(call)
        process = StepProcess()
        try:
            answer: Answer = process.execute(request, timeout)
        finally:
            process.close()
        return answer
