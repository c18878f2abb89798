"""The step operator `ray`."""

from collections.abc import Callable

from stackfold.application.ports import Result, StepOperator
from stackfold.infrastructure.flavors.ray.settings import RaySettings


class RayStepOperator(StepOperator):
    """Runs single steps on a Ray cluster."""

    flavor = "ray"

    class Configuration(RaySettings):
        """The cluster, its runtime environment, and the resources of steps."""

    configuration: Configuration

    @property
    def is_remote(self) -> bool:  # type: ignore[override]
        """Whether other machines take part."""
        return not self.configuration.on_this_machine

    def check_connection(self) -> None:
        """Check that the cluster's head responds; a local cluster is started by each run."""
        if self.configuration.address:
            from stackfold.infrastructure.flavors.ray.connection import require_response

            require_response(self.configuration)

    def execute(self, call: Callable[[], Result], timeout: float | None = None) -> Result:
        from stackfold.infrastructure.flavors.ray.connection import connected

        # Stay connected: a cluster takes longer to start than most steps take.
        with connected(self.configuration, self.home, stay=True) as cluster:
            return cluster.execute(call, timeout)
