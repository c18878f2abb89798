"""The Jobs, pods and secrets of a namespace."""

import time
from contextlib import AbstractContextManager
from typing import Any

from stackfold.domain.errors import EngineUnavailable
from stackfold.infrastructure.flavors.kubernetes.api import Api, Manifest, Rejected
from stackfold.infrastructure.flavors.kubernetes.manifests import CONTAINER
from stackfold.infrastructure.flavors.kubernetes.settings import KubernetesSettings

_CONFLICT = 409


class Cluster:
    """A namespace of a cluster."""

    def __init__(self, settings: KubernetesSettings) -> None:
        """Find the cluster; nothing is requested yet.

        Args:
            settings: The cluster.

        Raises:
            EngineUnavailable: There is no usable kubeconfig file, or no service account.
        """
        self.title = settings.title
        self._api = Api(settings)
        self._pause = min(0.5, settings.poll_interval)
        self._core = f"/api/v1/namespaces/{settings.namespace}"
        self._batch = f"/apis/batch/v1/namespaces/{settings.namespace}"

    def close(self) -> None:
        """Close the connections; they are opened again when needed."""
        self._api.close()

    def create_job(self, manifest: Manifest) -> str:
        """Create a Job unless it exists already, and return its uid."""
        found = self._created(f"{self._batch}/jobs", manifest)
        return str(found["metadata"]["uid"])

    def create_secret(self, manifest: Manifest) -> None:
        """Create a secret unless it exists already."""
        self._created(f"{self._core}/secrets", manifest)

    def delete_secret(self, name: str) -> None:
        """Delete a secret, if it exists."""
        self._api.request("DELETE", f"{self._core}/secrets/{name}")

    def job(self, name: str) -> Manifest | None:
        """Return a Job; None if it does not exist."""
        return self._api.request("GET", f"{self._batch}/jobs/{name}")

    def jobs(self, selector: str) -> list[Manifest]:
        """Return the Jobs with these labels."""
        return self._list(f"{self._batch}/jobs", labelSelector=selector)

    def pods(self, selector: str) -> list[Manifest]:
        """Return the pods with these labels, the oldest first."""
        found = self._list(f"{self._core}/pods", labelSelector=selector)
        return sorted(found, key=lambda pod: str(pod["metadata"].get("creationTimestamp")))

    def warnings(self, kind: str, name: str) -> list[str]:
        """Return the warnings about an object, the latest last; none if that is forbidden."""
        fields = f"involvedObject.kind={kind},involvedObject.name={name},type=Warning"
        try:
            found = self._api.once("GET", f"{self._core}/events", query={"fieldSelector": fields})
        except Exception:
            return []
        events = sorted(found["items"], key=lambda each: str(each.get("lastTimestamp") or ""))
        return [f"{each.get('reason', '')}: {each.get('message', '')}" for each in events]

    def delete_job(self, name: str) -> None:
        """Delete a Job with its pods and secret, if it exists."""
        query = {"propagationPolicy": "Background"}
        self._api.request("DELETE", f"{self._batch}/jobs/{name}", query=query)

    def log(self, pod: str) -> AbstractContextManager[Any]:
        """Open the log of a pod from its beginning, for a block; raises as `Api.stream`."""
        query = {"container": CONTAINER, "follow": "true"}
        return self._api.stream(f"{self._core}/pods/{pod}/log", query)

    def last_line(self, pod: str) -> str:
        """Return the last line of the log of a pod; empty if it cannot be read."""
        query = {"container": CONTAINER, "tailLines": "3", "limitBytes": "10000"}
        try:
            with self._api.stream(f"{self._core}/pods/{pod}/log", query) as response:
                text = response.read(10_000).decode("utf-8", "replace")
        except Exception:
            return ""
        return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")

    def delete_all(self, selector: str, seconds: float) -> None:
        """Delete the Jobs with these labels, and wait until their pods have ended.

        Args:
            selector: The label selector.
            seconds: How long to wait, at most.
        """
        for job in self.jobs(selector):
            self.delete_job(job["metadata"]["name"])
        end = time.monotonic() + seconds
        while any(_may_run(pod) for pod in self.pods(selector)) and time.monotonic() < end:
            time.sleep(self._pause)

    def check(self, manifest: Manifest) -> None:
        """Check that what a run needs is permitted; changes nothing.

        Args:
            manifest: The Job to try.

        Raises:
            EngineUnavailable: The API server does not respond, or denies access.
        """
        everything = {"dryRun": "All"}
        name = {"metadata": {"name": manifest["metadata"]["name"]}}
        try:
            self._api.once("GET", f"{self._batch}/jobs", query={"limit": "1"})
            self._api.once("GET", f"{self._core}/pods", query={"limit": "1"})
            self._api.once("POST", f"{self._batch}/jobs", manifest, everything)
            self._api.once("POST", f"{self._core}/secrets", name, everything)
        except Exception as error:
            raise self._api.unavailable(error) from error

    def _created(self, path: str, manifest: Manifest) -> Manifest:
        try:
            found = self._api.request("POST", path, manifest)
        except EngineUnavailable as error:
            # Exists already: an earlier request was executed, but its response was lost.
            cause = error.__cause__
            if not isinstance(cause, Rejected) or cause.status != _CONFLICT:
                raise
            found = self._api.request("GET", f"{path}/{manifest['metadata']['name']}")
        if found is None:
            namespace = path.split("/")[-2]
            raise EngineUnavailable(self.title, f"there is no namespace {namespace!r}")
        return found

    def _list(self, path: str, **query: str) -> list[Manifest]:
        found = self._api.request("GET", path, query=query) or {}
        return list(found.get("items") or [])


def _may_run(pod: Manifest) -> bool:
    return pod.get("status", {}).get("phase") not in ("Succeeded", "Failed")
