"""The orchestrator `ray`."""

from pydantic import Field

from stackfold.application.ports import Execute, Orchestrator, RunPlan
from stackfold.infrastructure.flavors.ray.settings import RaySettings
from stackfold.infrastructure.flavors.worker_pool import WorkerPool


class RayOrchestrator(Orchestrator):
    """Runs the steps on a Ray cluster, independent ones at once."""

    flavor = "ray"

    class Configuration(RaySettings):
        """Which cluster, what is sent there, and what a step gets."""

        max_parallel: int | None = Field(
            None,
            ge=1,
            description="How many steps may run or wait for a free node at once; by default as "
            "many as the cluster has cores when the run begins. More make a cluster that can grow "
            "do so.",
        )

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

    def run(self, plan: RunPlan, execute: Execute) -> None:
        from stackfold.infrastructure.flavors.ray.connection import connected

        with connected(self.configuration, self.home) as cluster:
            limit = self.configuration.max_parallel or cluster.cores
            WorkerPool(plan, execute, cluster.executor, limit).run()
