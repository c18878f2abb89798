"""CronJobs that run schedules: their manifests, and how they are applied and deleted."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from stackfold.domain.errors import EngineUnavailable
from stackfold.domain.pipelines.resources import Resources
from stackfold.infrastructure.flavors.kubernetes import manifests
from stackfold.infrastructure.flavors.kubernetes.api import COORDINATOR, Api, Manifest
from stackfold.infrastructure.flavors.kubernetes.manifests import Purpose
from stackfold.infrastructure.flavors.kubernetes.settings import (
    KubernetesPodSettings,
    KubernetesSettings,
)

SCHEDULE = "stackfold/schedule"
"""The label with the id of the schedule."""
_MANAGER = "stackfold"
_TIME_ZONES = (1, 27)
"""The first version of Kubernetes in which `timeZone` is stable."""


class Times(NamedTuple):
    """When a CronJob creates a Job."""

    cron: str
    zone: str
    """The IANA time zone of `cron`."""
    cron_utc: str
    """An expression in UTC that covers the same times, for servers without time zones."""
    deadline: int
    """Seconds after which a Job that was not created in time is left out."""
    overlap: bool
    """Whether a Job is created while the one before is running."""


class Pod(NamedTuple):
    """The pod that runs a schedule."""

    settings: KubernetesSettings
    pods: KubernetesPodSettings
    image: str
    service_account: str | None
    environment: Mapping[str, str]
    secret_variables: Mapping[str, str]
    """Variable → "name:key" of a secret in the cluster, beside those of the settings."""


def cron_job(id: str, name: str, times: Times, pod: Pod, command: Sequence[str]) -> Manifest:
    """Return the manifest of the CronJob of a schedule, in `batch/v1`.

    Args:
        id: The id of the schedule.
        name: The name of the schedule.
        times: When it creates Jobs.
        pod: The pod of the Jobs.
        command: The command of the pod.
    """
    given = {**pod.settings.secret_environment, **pod.secret_variables}
    settings = pod.settings.model_copy(update={"secret_environment": given, "environment": {}})
    job = manifests.job(
        cron_job_name(id, name),
        Purpose("schedule", ""),
        settings,
        pod.pods,
        [],
        image=pod.image,
        resources=Resources(num_cpus=0, memory=None),
        environment=pod.environment,
        service_account=pod.service_account,
        with_token=True,
        command=command,
        with_secret=False,
    )
    # The Jobs of steps belong to the Job of the pod, and are deleted with it.
    field = {"fieldPath": "metadata.labels['job-name']"}
    container = job["spec"]["template"]["spec"]["containers"][0]
    variables = {"name": COORDINATOR, "valueFrom": {"fieldRef": field}}
    container["env"] = [*container.get("env", []), variables]
    metadata = job["metadata"]
    labels = {**metadata["labels"], SCHEDULE: id}
    job["spec"]["template"]["metadata"]["labels"] = labels
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {
            **metadata,
            "labels": labels,
            "annotations": {**metadata["annotations"], SCHEDULE: name},
        },
        "spec": {
            "schedule": times.cron,
            "timeZone": times.zone,
            "concurrencyPolicy": "Allow" if times.overlap else "Forbid",
            "startingDeadlineSeconds": times.deadline,
            "jobTemplate": {"metadata": {"labels": labels}, "spec": job["spec"]},
        },
    }


def cron_job_name(id: str, name: str) -> str:
    """Return the name of the CronJob of a schedule, with at most 52 characters.

    It begins with the name that the schedule has when the CronJob is created.
    """
    digest = hashlib.sha256(id.encode()).hexdigest()[:10]
    words = ["stackfold", manifests.slug(name)[:30].strip("-"), digest]
    return "-".join(word for word in words if word)


class CronJobApi:
    """The CronJobs of a namespace."""

    def __init__(self, settings: KubernetesSettings) -> None:
        """Find the cluster; nothing is requested yet.

        Args:
            settings: The cluster.

        Raises:
            EngineUnavailable: There is no usable kubeconfig file, or no service account.
        """
        self._api = Api(settings)
        self._title = settings.title
        self._namespace = settings.namespace

    def apply(self, manifest: Manifest, utc: str) -> list[str]:
        """Create or change a CronJob, and delete others of the same schedule.

        Args:
            manifest: The CronJob, of `cron_job`.
            utc: Its times in UTC, for servers without time zones.

        Returns:
            The names of the CronJobs that were deleted, such as after a schedule was renamed.

        Raises:
            EngineUnavailable: The server does not respond or rejects it, or a CronJob of that name
                does not belong to the schedule.
        """
        version = self._version()
        name, id = manifest["metadata"]["name"], manifest["metadata"]["labels"][SCHEDULE]
        path = self._path(version, name)
        found = self._api.request("GET", path)
        if found and found["metadata"].get("labels", {}).get(SCHEDULE) != id:
            problem = f"its CronJob {name!r} does not belong to this schedule: delete or rename it"
            raise EngineUnavailable(self._title, problem)
        spec = dict(manifest["spec"])
        if self._server_version() < _TIME_ZONES:
            del spec["timeZone"]
            spec["schedule"] = utc
        body = {**manifest, "apiVersion": f"batch/{version}", "spec": spec}
        try:
            self._api.apply(path, body, _MANAGER)
        except Exception as error:  # of urllib3, of a plug-in or of the server
            raise self._api.unavailable(error) from error
        return self.delete(id, but=name)

    def delete(self, id: str, but: str = "") -> list[str]:
        """Delete the CronJobs of a schedule, with their Jobs, and return their names.

        Args:
            id: The id of the schedule.
            but: The name of one to keep.

        Raises:
            EngineUnavailable: The server does not respond, or denies it.
        """
        version = self._version()
        query = {"labelSelector": f"{SCHEDULE}={id}"}
        found = self._api.request("GET", self._path(version), query=query) or {}
        names = [each["metadata"]["name"] for each in found.get("items") or []]
        deleted = [each for each in names if each != but]
        for each in deleted:
            query = {"propagationPolicy": "Background"}
            self._api.request("DELETE", self._path(version, each), query=query)
        return deleted

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def _path(self, version: str, name: str = "") -> str:
        path = f"/apis/batch/{version}/namespaces/{self._namespace}/cronjobs"
        return f"{path}/{name}" if name else path

    def _version(self) -> str:
        """The version of `batch` in which the server has CronJobs: v1 from 1.21 on."""
        for version in ("v1", "v1beta1"):
            found = self._api.request("GET", f"/apis/batch/{version}") or {}
            if any(each["name"] == "cronjobs" for each in found.get("resources", [])):
                return version
        raise EngineUnavailable(self._title, "it has no CronJobs")

    def _server_version(self) -> tuple[int, int]:
        found = self._api.request("GET", "/version") or {}
        digits = (
            "".join(filter(str.isdigit, str(found.get(each, "")))) for each in ("major", "minor")
        )
        major, minor = (int(each or 0) for each in digits)
        return major, minor
