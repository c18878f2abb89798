"""The step operator `ray`."""

from collections.abc import Callable

from stackfold.application.ports import Result, StepOperator
from stackfold.infrastructure.flavors.ray.settings import RaySettings


class RayStepOperator(StepOperator):
    """Runs single steps on a Ray cluster."""

    flavor = "ray"

    class Configuration(RaySettings):
        """Which cluster, what is sent there, and what a step gets."""

    configuration: Configuration

    @property
    def is_remote(self) -> bool:  # type: ignore[override]
        """Whether other machines take part."""
        return not self.configuration.on_this_machine

    def check_connection(self) -> None:
        """Connect to the cluster's head, if it is not started by the run itself."""
        if self.configuration.address:
            from stackfold.infrastructure.flavors.ray.connection import must_answer

            must_answer(self.configuration)

    def execute(self, call: Callable[[], Result], timeout: float | None = None) -> Result:
        from stackfold.infrastructure.flavors.ray.connection import connected

        # Connected for good: a cluster takes longer to begin than most steps take.
        with connected(self.configuration, self.home, stay=True) as cluster:
            return cluster.execute(call, timeout)
