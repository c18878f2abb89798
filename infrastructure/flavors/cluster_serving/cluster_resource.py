"""One resource on a cluster: finds, applies and deletes it, and reads its pods and their logs."""

import codecs
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from stackfold.domain.errors import EngineUnavailable
from stackfold.infrastructure.flavors.cluster_serving.cluster_manifest import DEPLOYMENT_ID, owned
from stackfold.infrastructure.flavors.cluster_serving.resource_kind import ResourceKind
from stackfold.infrastructure.flavors.kubernetes.api import Api, Manifest, Rejected
from stackfold.infrastructure.flavors.kubernetes.pod_state import state_of

POLL_INTERVAL = 0.5
_MAX_OUTAGE = 15.0
"""Seconds for which the API server may be unavailable during a command."""
_END = 120.0
"""Seconds until a resource that is deleted must no longer exist."""
_READ_BYTES = 2**16
_CONFLICT, _NOT_FOUND, _FORBIDDEN = 409, 404, 403


class ClusterConnection(NamedTuple):
    """A namespace of a cluster, and how to reach it; a `Connection` of `Api`."""

    kubeconfig: str | None
    kubernetes_context: str | None
    in_cluster: bool
    namespace: str
    poll_interval: float = POLL_INTERVAL
    max_outage: float = _MAX_OUTAGE

    @property
    def title(self) -> str:
        """Its name in messages."""
        context = f"context {self.kubernetes_context!r}, " if self.kubernetes_context else ""
        return f"Kubernetes ({context}namespace {self.namespace!r})"


class ClusterResource:
    """The resource of a deployment, which may not exist."""

    def __init__(
        self, api: Api, kind: ResourceKind, connection: ClusterConnection, name: str
    ) -> None:
        """Create the object; nothing is requested yet.

        Args:
            api: The API server.
            kind: The kind of the resource.
            connection: Its namespace.
            name: Its name.
        """
        self._api, self._kind, self.connection, self.name = api, kind, connection, name
        self.title = f"{kind.kind} {name!r} in namespace {connection.namespace!r}"
        self.container = kind.container or name
        self._path = f"{kind.path(connection.namespace)}/{name}"
        self._pods = f"/api/v1/namespaces/{connection.namespace}/pods"

    def found(self) -> Manifest | None:
        """Return the resource; None if it does not exist."""
        return self._api.request("GET", self._path)

    def found_in(self, seconds: float) -> Manifest | None:
        """Return the resource as `found` does, in one attempt of a few seconds."""
        try:
            return self._api.once("GET", self._path, timeout=seconds)
        except Exception as error:
            if isinstance(error, Rejected) and error.status == _NOT_FOUND:
                return None
            raise self._api.unavailable(error) from error

    def existing(self) -> Manifest | None:
        """Return the resource as `found` does, after waiting for one that is being deleted."""
        end = time.monotonic() + _END
        while True:
            found = self.found()
            if found is None or not found["metadata"].get("deletionTimestamp"):
                return found
            self._wait_for_end(end)

    def apply(self, manifest: Mapping[str, Any], owner: str) -> None:
        """Create or change the resource by server-side apply.

        Args:
            manifest: The manifest.
            owner: The id of the deployment that it belongs to.

        Raises:
            EngineUnavailable: The API server does not respond, or rejects the manifest.
        """
        try:
            # A manager per deployment: another deployment of the same name is a conflict, too.
            self._api.apply(self._path, owned(manifest, owner), f"stackfold-{owner}")
        except Exception as error:
            raise explained(self._api, self._kind, self.connection, error) from error

    def delete(self, owner: str) -> None:
        """Delete the resource if it belongs to a deployment, and wait until it does not exist."""
        end = time.monotonic() + _END
        while (found := self.found()) is not None and owner_of(found) == owner:
            if found["metadata"].get("deletionTimestamp"):
                self._wait_for_end(end)
                continue
            options = {
                "propagationPolicy": "Foreground",
                "preconditions": {"uid": found["metadata"]["uid"]},
            }
            self._api.request("DELETE", self._path, options)

    def _wait_for_end(self, end: float) -> None:
        if time.monotonic() > end:
            raise EngineUnavailable(self.connection.title, f"{self.title} is still being deleted")
        time.sleep(POLL_INTERVAL)

    # -- its pods

    def is_served_by(self, arguments: Sequence[str]) -> bool:
        """Return whether a pod is ready whose container has these arguments.

        The status of a resource does not say to which manifest it belongs: right after an update,
        it is still that of the former one. Where pods cannot be listed, it has to suffice.
        """
        try:
            pods = self._list_pods()
        except Rejected as error:
            if error.status == _FORBIDDEN:
                return True
            raise self._api.unavailable(error) from error
        except Exception:  # of urllib3 or of a plug-in: the next attempt may succeed
            return False
        return any(
            arguments_of(pod["spec"], self.container) == arguments and _is_ready(pod)
            for pod in pods
        )

    def pod_problem(self) -> str:
        """Return what hinders its pods, in one line; empty if nothing is known."""
        try:
            states = [state_of(pod) for pod in self._list_pods()]
        except Exception:  # it only explains
            return ""
        for each in reversed(states):  # the newest first
            if problem := each.waits or each.killed or each.lost or each.message:
                return f"pod {each.name}: {problem}"
        return ""

    def logs(self) -> Iterator[str]:
        """Yield the logs of its pods, one after another, the oldest pod first.

        Raises:
            EngineUnavailable: They cannot be read.
        """
        try:
            for pod in self._list_pods():
                yield from self._log(str(pod["metadata"]["name"]))
        except Exception as error:
            raise self._api.unavailable(error) from error

    def _log(self, pod: str) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        query = {"container": self.container}
        with self._api.stream(f"{self._pods}/{pod}/log", query) as response:
            while data := response.read(_READ_BYTES):
                yield decoder.decode(data)
        yield decoder.decode(b"", final=True)

    def _list_pods(self) -> list[Manifest]:
        """Its pods, the oldest first; raises as `Api.once`."""
        query = {"labelSelector": f"{self._kind.pod_label}={self.name}"}
        found = self._api.once("GET", self._pods, query=query).get("items") or []
        return sorted(found, key=lambda pod: str(pod["metadata"].get("creationTimestamp")))


def owner_of(found: Manifest) -> str | None:
    """The id of the deployment that a resource belongs to; None if it belongs to none."""
    owner = (found["metadata"].get("labels") or {}).get(DEPLOYMENT_ID)
    return None if owner is None else str(owner)


def arguments_of(manifest: Any, container: str) -> Sequence[str]:
    """The arguments of a container in a manifest, wherever its kind has it."""
    if isinstance(manifest, Mapping):
        if manifest.get("name") == container and "args" in manifest:
            return [str(each) for each in manifest["args"]]
        manifest = [*manifest.values()]
    for each in manifest if isinstance(manifest, list) else ():
        if found := arguments_of(each, container):
            return found
    return []


def explained(
    api: Api, kind: ResourceKind, connection: ClusterConnection, error: Exception
) -> EngineUnavailable:
    """The error to raise for one of a request on a resource."""
    if isinstance(error, Rejected):
        if error.status == _NOT_FOUND and "namespaces" not in str(error):
            problem = f"it has no {kind.kind} ({kind.api}): install {kind.tool} there"
            return EngineUnavailable(connection.title, problem)
        if error.status == _CONFLICT:
            problem = f"{error}: stop and start the deployment, which replaces the resource"
            return EngineUnavailable(connection.title, problem)
    return api.unavailable(error)


def _is_ready(pod: Manifest) -> bool:
    containers = (pod.get("status") or {}).get("containerStatuses") or []
    is_deleted = bool(pod["metadata"].get("deletionTimestamp"))
    return not is_deleted and bool(containers) and all(each.get("ready") for each in containers)
