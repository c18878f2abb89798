"""The step operator `kubernetes`."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from pydantic import Field

from stackfold.application.ports import Result, StepOperator
from stackfold.infrastructure.flavors.kubernetes.settings import KubernetesSettings

if TYPE_CHECKING:
    from stackfold.infrastructure.flavors.kubernetes.jobs import Jobs


class KubernetesStepOperator(StepOperator):
    """Runs single steps as Jobs on Kubernetes."""

    flavor = "kubernetes"

    class Configuration(KubernetesSettings):
        """The cluster, and the pods of steps."""

        image: str = Field(
            min_length=1,
            description="The image of the pods: the pipeline's code, the packages it imports, and "
            "stackfold[kubernetes].",
        )

    configuration: Configuration

    @property
    def is_remote(self) -> bool:  # type: ignore[override]
        """Whether other machines take part."""
        return not self.configuration.shares_files

    def check_connection(self) -> None:
        """Check that the API server responds, and permits to create Jobs and secrets."""
        from stackfold.domain.pipelines.resources import Resources
        from stackfold.infrastructure.flavors.kubernetes.jobs import step_job
        from stackfold.infrastructure.flavors.kubernetes.manifests import Purpose

        purpose = Purpose("step", "check")
        settings = self.configuration
        manifest = step_job(
            purpose.job_name("check"), purpose, settings, settings.image, Resources()
        )
        with self._connected() as jobs:
            jobs.cluster.check(manifest)

    def execute(self, call: Callable[[], Result], timeout: float | None = None) -> Result:
        with self._connected() as jobs:
            return jobs.execute(call, timeout)

    def _connected(self) -> "Jobs":
        # For each step: connections must not be shared with a process that this one forks.
        from stackfold.infrastructure.flavors.kubernetes.jobs import Jobs

        return Jobs(self.configuration, self.configuration.image)
