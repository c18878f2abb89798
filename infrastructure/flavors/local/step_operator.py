"""The step operator `local`: executes each step in a fresh process on this machine."""

from collections.abc import Callable

from stackfold.application import ports
from stackfold.application.ports import Result, StepOperator
from stackfold.infrastructure.flavors.local.processes import StepProcess, portable


class LocalStepOperator(StepOperator):
    """Runs each step in a fresh Python process on this machine."""

    flavor = "local"

    class Configuration(ports.Configuration):
        """No attributes."""

    def execute(self, call: Callable[[], Result], timeout: float | None = None) -> Result:
        request = portable(call)
        process = StepProcess()
        try:
            result: Result = process.execute(request, timeout)
        finally:
            process.close()
        return result
