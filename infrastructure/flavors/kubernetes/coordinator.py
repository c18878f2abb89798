"""The Job that coordinates a run: it starts the Jobs of the steps, and outlives the client."""

import os
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from stackfold.application.ports.submitting_orchestrator import Job
from stackfold.domain.errors import EngineUnavailable
from stackfold.domain.pipelines.resources import Resources
from stackfold.domain.stacks.secret_references import parts
from stackfold.infrastructure.flavors.kubernetes import manifests
from stackfold.infrastructure.flavors.kubernetes.api import COORDINATOR, Manifest
from stackfold.infrastructure.flavors.kubernetes.cluster import Cluster
from stackfold.infrastructure.flavors.kubernetes.jobs import secrets_file
from stackfold.infrastructure.flavors.kubernetes.manifests import Purpose
from stackfold.infrastructure.flavors.kubernetes.pod import SECRETS, VARIABLES
from stackfold.infrastructure.flavors.kubernetes.pod_state import state_of
from stackfold.infrastructure.flavors.secret_env import Values
from stackfold.infrastructure.secrets.environment import variable_of

if TYPE_CHECKING:
    from stackfold.infrastructure.flavors.kubernetes.orchestrator import KubernetesOrchestrator

_FORWARDED = ("PGPASSWORD",)
"""Environment variables of the client that the coordinator needs for a shared log."""
_END = 10.0
"""Seconds beside the grace period in which deleted pods must end."""


class State(NamedTuple):
    """The state of a coordinator."""

    has_ended: bool
    reason: str = ""
    """Why it failed, in one line; empty if it did not."""


def coordinator_job(
    job: Job,
    settings: "KubernetesOrchestrator.Configuration",
    unique: str,
    image: str,
    source: str,
    environment: Mapping[str, str],
) -> Manifest:
    """Return the manifest of the Job that coordinates a run.

    Args:
        job: The run.
        settings: The configuration of the orchestrator.
        unique: Distinguishes it from other Jobs of the run.
        image: The image of its pod, and of those of the steps.
        source: The pipeline in the image.
        environment: Its environment variables.
    """
    purpose = Purpose("coordinator", job.run, job.pipeline)
    name = purpose.job_name(unique)
    return manifests.job(
        name,
        purpose,
        settings,
        settings.coordinator_pod_settings,
        ["coordinate", job.run, source, image],
        image=image,
        resources=Resources(num_cpus=0, memory=None),
        environment={**environment, COORDINATOR: name},
        service_account=settings.coordinator_service_account,
        with_token=True,
        restarts=settings.coordinator_restarts,
    )


def secrets_of(
    references: Iterable[str],
    settings: "KubernetesOrchestrator.Configuration",
    value_of: Callable[[str], str],
) -> Values:
    """Return the secrets that a coordinator needs, but for those that the cluster has.

    Args:
        references: The references in the configurations of the stack's components.
        settings: The configuration of the orchestrator.
        value_of: Returns the value of a reference.

    Raises:
        MissingSecret: A secret does not exist.
    """
    if not settings.send_secrets:
        return {}
    return {
        parts(each): value_of(each)
        for each in references
        if variable_of(*parts(each)) not in settings.secret_environment
    }


def start(cluster: Cluster, manifest: Manifest, secrets: Values) -> None:
    """Create the Job of a coordinator, and its secret."""
    metadata = manifest["metadata"]
    owner = manifests.owner_reference(metadata["name"], cluster.create_job(manifest))
    variables = {name: os.environ[name] for name in _FORWARDED if os.environ.get(name)}
    files = {SECRETS: secrets_file(secrets), VARIABLES: _json(variables)}
    run = metadata["annotations"][manifests.RUN]
    purpose = Purpose("coordinator", run, metadata["annotations"].get(manifests.PIPELINE, ""))
    cluster.create_secret(
        manifests.secret(metadata["name"], purpose, metadata["namespace"], files, owner)
    )


def has_ended(job: Manifest | None) -> bool:
    """Whether a Job has completed or failed, or was deleted."""
    return job is None or bool(_end_of(job))


def stop(
    cluster: Cluster, reference: str, settings: "KubernetesOrchestrator.Configuration"
) -> None:
    """Delete the Job of a coordinator with all that it owns, and wait until its pods have ended."""
    found = cluster.job(reference)
    cluster.delete_job(reference)
    if found is None:
        return
    run = found["metadata"]["annotations"].get(manifests.RUN, "")
    grace = settings.pod_settings.termination_grace_period
    # First the coordinator, which could start further steps.
    cluster.delete_all(f"job-name={reference}", grace + _END)
    cluster.delete_all(manifests.selector(Purpose("step", run)), grace + _END)


class Watch:
    """Watches a coordinator."""

    def __init__(self, cluster: Cluster, name: str, patience: float) -> None:
        """Begin to watch.

        Args:
            cluster: The cluster.
            name: The Job.
            patience: Seconds until its pod must have started.
        """
        self._cluster = cluster
        self._name = name
        self._patience = patience
        self._waits_since: float | None = None
        self.must_end = False
        """Whether its pod does not start, so that the run must be ended."""

    def look(self) -> State:
        """Return its state.

        Raises:
            EngineUnavailable: The cluster is unavailable, or the pod does not start.
        """
        job = self._cluster.job(self._name)
        if job is None:
            return State(True, f"its Job {self._name} was deleted")
        end = _end_of(job)
        if end:
            return State(True, "" if end["type"] == "Complete" else self._reason(end))
        self._require_start()
        return State(False)

    def _require_start(self) -> None:
        pods = [state_of(pod) for pod in self._cluster.pods(f"job-name={self._name}")]
        if any(pod.has_started and not pod.has_ended for pod in pods):
            self._waits_since = None
            return
        now = time.monotonic()
        self._waits_since = now if self._waits_since is None else self._waits_since
        waiting = next((pod for pod in reversed(pods) if not pod.has_ended), None)
        hopeless = waiting is not None and waiting.is_hopeless
        if now - self._waits_since > self._patience or hopeless:
            self.must_end = True
            kind, name = ("Pod", waiting.name) if waiting else ("Job", self._name)
            reasons = self._cluster.warnings(kind, name)
            reason = (waiting and waiting.waits) or (reasons[-1] if reasons else "without a reason")
            problem = f"its coordinator, {name}, does not start: {reason}"
            raise EngineUnavailable(self._cluster.title, problem)

    def _reason(self, end: Mapping[str, str]) -> str:
        pods = self._cluster.pods(f"job-name={self._name}")
        if pods:
            state = state_of(pods[-1])
            reason = state.killed or state.lost or state.message
            reason = reason or self._cluster.last_line(state.name)
            if reason:
                return f"its coordinator, pod {state.name}: {reason}"
        return f"its coordinator: {end.get('reason', '')}: {end.get('message', '')}"


def _end_of(job: Manifest) -> Mapping[str, str]:
    for condition in (job.get("status") or {}).get("conditions") or []:
        if condition.get("type") in ("Complete", "Failed") and condition.get("status") == "True":
            return dict(condition)
    return {}


def _json(values: Mapping[str, str]) -> bytes:
    import json

    return json.dumps(values).encode()
