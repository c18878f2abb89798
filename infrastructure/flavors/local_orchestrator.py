"""The orchestrator `local`."""

from collections.abc import Callable

from stackfold.application import ports
from stackfold.application.ports import Orchestrator, RunPlan


class LocalOrchestrator(Orchestrator):
    """Runs the steps in this process, one after another."""

    flavor = "local"

    class Configuration(ports.Configuration):
        """Nothing to configure."""

    def run(self, plan: RunPlan, execute: Callable[[str], None]) -> None:
        # The plan's order is topological already, and the first exception ends the loop.
        for step in plan.steps:
            execute(step.name)
