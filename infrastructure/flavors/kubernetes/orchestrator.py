"""The orchestrator `kubernetes`."""

import time
import warnings
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

from pydantic import Field

from stackfold.application.ports import Execute, RunPlan
from stackfold.application.ports.submitting_orchestrator import (
    Job,
    Submission,
    SubmittingOrchestrator,
)
from stackfold.domain.errors import EngineStopped, EngineUnavailable, RunDetached, WouldNotRun
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.flavors.kubernetes.settings import (
    KubernetesPodSettings,
    KubernetesSettings,
    Name,
)
from stackfold.infrastructure.flavors.shared_log import log_problem, with_log

if TYPE_CHECKING:
    from stackfold.infrastructure.flavors.kubernetes.cluster import Cluster


class KubernetesOrchestrator(SubmittingOrchestrator):
    """Runs each step as a Job on Kubernetes, independent ones in parallel."""

    flavor = "kubernetes"

    class Configuration(KubernetesSettings):
        """The cluster, the coordinator of runs, and the pods of steps."""

        image: str | None = Field(
            None,
            min_length=1,
            description="The image of the pods: the pipeline's code, the packages it imports, and "
            "stackfold[kubernetes].",
        )
        coordinator: Literal["client", "job"] = Field(
            "client",
            description="What starts the steps of a run and records them: the process that starts "
            "the run, or a Job, which goes on without that process but needs a shared log and a "
            "service account that may create Jobs.",
        )
        synchronous: bool = Field(
            True,
            description="Whether to wait until a run has ended; Ctrl-C then terminates it. With "
            "the coordinator `client`, always.",
        )
        timeout: int | None = Field(
            None,
            gt=0,
            description="Seconds to wait for a run of the coordinator `job`, at most; it continues "
            "after that. By default without limit.",
        )
        coordinator_service_account: Name | None = Field(
            None,
            description="The service account of the coordinator; by default that of the namespace.",
        )
        coordinator_pod_settings: KubernetesPodSettings = Field(
            default_factory=KubernetesPodSettings,
            description="Settings of the pod of the coordinator.",
        )
        coordinator_restarts: int = Field(
            3, ge=0, description="How often Kubernetes replaces a failed pod of the coordinator."
        )
        source: str | None = Field(
            None,
            description="The pipeline in the image, as FILE.py:NAME or MODULE:NAME, for the "
            "coordinator `job`; by default at the same path as here, or else below the image's "
            "working directory.",
        )
        max_parallel: int = Field(20, ge=1, description="The number of steps at once.")

    configuration: Configuration

    @property
    def is_remote(self) -> bool:  # type: ignore[override]
        """Whether other machines take part."""
        return not self.configuration.shares_files

    @property
    def needs(self) -> tuple[ComponentType, ...]:  # type: ignore[override]
        """The components that build and store the pods' image, unless one is configured."""
        if self.configuration.image or self.configuration.shares_files:
            return ()
        return (ComponentType.CONTAINER_REGISTRY, ComponentType.IMAGE_BUILDER)

    @property
    def takes_image(self) -> bool:
        """Whether the pods' image is built, and not configured."""
        return not self.configuration.image

    @property
    def submits(self) -> bool:
        """Whether a Job coordinates the steps."""
        return self.configuration.coordinator == "job"

    @property
    def ends_runs(self) -> bool:
        """The coordinator records the end of a run, also of one that failed."""
        return True

    @property
    def awaited(self) -> bool:
        """Whether starting a run waits until it has ended."""
        return self.configuration.synchronous

    def run(self, plan: RunPlan, execute: Execute) -> None:
        """Execute every step of the plan, from this process or from the coordinator's."""
        from stackfold.infrastructure.flavors.kubernetes.jobs import Jobs
        from stackfold.infrastructure.flavors.worker_pool import WorkerPool

        image = self._image(plan.image.name if plan.image else "")
        with Jobs(self.configuration, image, plan.run) as jobs:
            jobs.delete_steps(plan.run)
            limit = self.configuration.max_parallel
            WorkerPool(plan, execute, jobs.executor, limit, jobs.stop_timeout).run()

    def submit(self, job: Job) -> Submission:
        from stackfold.infrastructure.flavors.kubernetes import coordinator

        problem = self._log_problem()
        if problem:
            raise EngineUnavailable(self._title, problem)
        manifest = self._coordinator(job, uuid4().hex)
        secrets = coordinator.secrets_of(job.secrets, self.configuration, self.secret)
        coordinator.start(self._cluster, manifest, secrets)
        return Submission(manifest["metadata"]["name"])

    def follow(self, reference: str, poll: Callable[[], None]) -> None:
        from stackfold.infrastructure.flavors.kubernetes.coordinator import Watch

        given = self.configuration
        end = None if given.timeout is None else time.monotonic() + given.timeout
        watch = Watch(self._cluster, reference, given.patience)
        while True:
            try:
                state = watch.look()
            except EngineUnavailable as error:
                if watch.must_end:
                    self.terminate(reference)
                    raise
                raise RunDetached(self._title, error.problem) from error
            poll()
            if state.has_ended:
                break
            if end is not None and time.monotonic() > end:
                raise RunDetached(self._title, f"its timeout of {given.timeout} seconds is over")
            time.sleep(given.poll_interval)
        if state.reason:
            raise EngineStopped(self._title, "Failed", state.reason)

    def is_executing(self, reference: str) -> bool:
        from stackfold.infrastructure.flavors.kubernetes.coordinator import has_ended

        return not has_ended(self._cluster.job(reference))

    def terminate(self, reference: str) -> None:
        from stackfold.infrastructure.flavors.kubernetes.coordinator import stop

        stop(self._cluster, reference, self.configuration)

    def check_connection(self) -> None:
        """Check that the API server permits to create Jobs; with a coordinator, also the log."""
        self._cluster.check(self._coordinator(_nothing(), "check"))
        if not self.submits:
            return
        problem = self._log_problem()
        if problem:
            raise EngineUnavailable(self._title, problem)
        store = self._environment().get("STACKFOLD_STORE")
        if store:
            from stackfold.infrastructure.eventstore.open import check_store

            check_store(store)

    def document(self, job: Job) -> str:
        from stackfold.infrastructure.flavors.kubernetes.jobs import step_job
        from stackfold.infrastructure.flavors.kubernetes.manifests import Purpose

        found = []
        if self.submits:
            problem = self._log_problem()
            if problem:
                warnings.warn(WouldNotRun(problem), stacklevel=2)
            found.append(self._coordinator(job, "document"))
        image = self._image(job.image.name if job.image else "")
        for step in job.steps:
            purpose = Purpose("step", job.run, job.pipeline, step.name)
            name = purpose.job_name("document")
            found.append(step_job(name, purpose, self.configuration, image, step.resources))
        return "---\n".join(as_yaml(each) for each in found)

    def _coordinator(self, job: Job, unique: str) -> dict[str, Any]:
        from stackfold.infrastructure.flavors.kubernetes.coordinator import coordinator_job

        built = job.image.source if job.image and not self.configuration.shares_files else ""
        source = self.configuration.source or built or job.source
        image = self._image(job.image.name if job.image else "")
        return coordinator_job(job, self.configuration, unique, image, source, self._environment())

    def _image(self, built: str) -> str:
        image = self.configuration.image or built
        if not image and self.configuration.shares_files:
            return "python"  # of tests: no container is created, and any name will do
        if not image:
            raise EngineUnavailable(self._title, "its pods have no image: give one, by `image`")
        return image

    @property
    def _title(self) -> str:
        return self.configuration.title

    @cached_property
    def _cluster(self) -> "Cluster":
        from stackfold.infrastructure.flavors.kubernetes.cluster import Cluster

        return Cluster(self.configuration)

    def __getstate__(self) -> dict[str, Any]:
        """Exclude the connection."""
        return {name: value for name, value in vars(self).items() if name != "_cluster"}

    def _log_problem(self) -> str:
        """Why its coordinator could not write to the log; empty if it can."""
        return log_problem(self._environment(), self.home, self.configuration.shares_files)

    def _environment(self) -> dict[str, str]:
        """The environment variables of the coordinator, with the address of the log."""
        given = self.configuration
        return with_log(given.environment, self.home, given.shares_files)


def as_yaml(manifest: dict[str, Any]) -> str:
    """Format a manifest; parts that are the same object are written out twice."""
    import json

    import yaml

    return yaml.safe_dump(json.loads(json.dumps(manifest)), sort_keys=False)


def _nothing() -> Job:
    from stackfold.domain.runs.failure_mode import FailureMode

    return Job("check", "check", "check", "check:check", (), FailureMode.FAIL_FAST)
