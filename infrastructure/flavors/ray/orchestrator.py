"""The orchestrator `ray`."""

from pydantic import Field

from stackfold.application.ports import Execute, Orchestrator, RunPlan
from stackfold.infrastructure.flavors.ray.settings import RaySettings
from stackfold.infrastructure.flavors.worker_pool import WorkerPool


class RayOrchestrator(Orchestrator):
    """Runs steps on a Ray cluster, independent ones in parallel."""

    flavor = "ray"

    class Configuration(RaySettings):
        """The cluster, its runtime environment, and the resources of steps."""

        max_parallel: int | None = Field(
            None,
            ge=1,
            description="The number of steps that run or wait for a free node at once; by default "
            "the number of cores at the start of the run. A higher number lets a cluster with "
            "autoscaling grow.",
        )

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

    def run(self, plan: RunPlan, execute: Execute) -> None:
        from stackfold.infrastructure.flavors.ray.connection import connected

        with connected(self.configuration, self.home) as cluster:
            limit = self.configuration.max_parallel or cluster.cores
            WorkerPool(plan, execute, cluster.executor, limit).run()
