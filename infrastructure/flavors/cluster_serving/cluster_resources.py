"""Models on a cluster: a resource per deployment, which a controller such as KServe's serves.

Resources are applied by server-side apply, and belong to a deployment by a label with its id. One
without that label is never changed or deleted.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from stackfold.application.ports.model_deployer import (
    Deployed,
    Health,
    ModelToServe,
    Reference,
    Served,
)
from stackfold.application.ports.tensors import Tensor
from stackfold.domain.errors import (
    DeploymentFailed,
    DeploymentStopped,
    DeploymentUnavailable,
    EngineUnavailable,
    NotInstalled,
)
from stackfold.infrastructure.flavors.cluster_serving.cluster_manifest import cluster_name
from stackfold.infrastructure.flavors.cluster_serving.cluster_resource import (
    POLL_INTERVAL,
    ClusterConnection,
    ClusterResource,
    arguments_of,
    explained,
    owner_of,
)
from stackfold.infrastructure.flavors.cluster_serving.resource_kind import (
    ResourceKind,
    ResourceState,
)
from stackfold.infrastructure.flavors.kubernetes.api import Api, Manifest, current_context
from stackfold.infrastructure.flavors.model_serving import server_requests
from stackfold.infrastructure.flavors.model_serving.server_settings import ClusterSettings

_HEALTH_TIMEOUT = 4.0
"""Seconds to wait for the API server in a health check."""
_GIVE_UP = 5.0
"""Seconds for which a controller must report a failure; it may try again by itself."""


class ClusterResources:
    """Applies, watches and deletes the resources of deployments."""

    def __init__(self, flavor: str, kind: ResourceKind, settings: ClusterSettings) -> None:
        """Create the object; nothing is requested yet.

        Args:
            flavor: The flavor of the model deployer.
            kind: The kind of the resources.
            settings: The cluster, and how long to wait.
        """
        self._flavor, self._kind, self._settings = flavor, kind, settings
        self._deployer = f"the model deployer {flavor!r}"

    def deploy(self, model: ModelToServe, manifest: Mapping[str, Any]) -> Served:
        """Apply the manifest of a model, and wait until it is served.

        Args:
            model: The model.
            manifest: Its manifest.

        Raises:
            DeploymentFailed: It did not become ready in time; its resource is deleted.
            DeploymentUnavailable: A resource of that name does not belong to the deployment.
            EngineUnavailable: The API server does not respond, or rejects the manifest.
        """
        resource = self._resource(model.name)
        existing = self._own(resource, model)
        try:
            return self._served(resource, model, manifest, existing)
        except DeploymentFailed:
            resource.delete(model.id)
            raise

    def update(
        self,
        deployed: Deployed,
        model: ModelToServe,
        manifest: Mapping[str, Any],
        former: Mapping[str, Any],
    ) -> Served:
        """Apply the manifest of another model, and wait until it is served; raises as `deploy`.

        Args:
            deployed: The deployment, whose recorded context and namespace are used.
            model: The model.
            manifest: Its manifest.
            former: The manifest to apply again if the model does not become ready.
        """
        resource = self._resource(model.name, deployed.reference)
        existing = self._own(resource, model)
        try:
            return self._served(resource, model, manifest, existing)
        except BaseException:
            with suppress(EngineUnavailable):  # why the update failed is what matters
                resource.apply(former, model.id)
            raise

    def health(self, deployed: Deployed) -> Health:
        """Return the state of a deployment; see `ModelDeployer.health`."""
        _, found = self._found(deployed)
        if found is None:
            return Health.DOWN
        if self._kind.state(found).is_ready:
            return Health.READY
        # `deploy` returns a reference only once the resource was ready.
        return Health.DOWN if deployed.reference else Health.STARTING

    def why_down(self, deployed: Deployed) -> str:
        """Return why a deployment is down, in one line."""
        resource, found = self._found(deployed)
        if found is None:
            return f"there is no {resource.title} of this deployment"
        return f"{resource.title} is not ready: {self._why(resource, self._kind.state(found))}"

    def predict(self, deployed: Deployed, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
        """Request a prediction at the address of a resource; see `ModelDeployer.predict`."""
        if deployed.reference is None:
            raise DeploymentStopped(deployed.name, "it has no server")
        reference = deployed.reference
        name, url = str(reference["name"]), str(reference["url"])
        try:
            return server_requests.infer(deployed.name, url, inputs, self._settings.timeout)
        except DeploymentStopped as error:
            problem = (
                f"nothing answers at {urlsplit(url).netloc}, the address of {self._kind.kind} "
                f"{name!r}: if it is ready, this machine cannot reach it"
            )
            raise DeploymentUnavailable(deployed.name, problem) from error

    def logs(self, deployed: Deployed) -> Iterator[str]:
        """Return the logs of the pods, one after another, the oldest pod first."""
        resource, found = self._found(deployed)
        return resource.logs() if found else iter(())

    def delete(self, deployed: Deployed) -> None:
        """Delete the resource of a deployment, and wait until it does not exist."""
        self._resource(deployed.name, deployed.reference).delete(deployed.id)

    def check(self) -> None:
        """Check that the cluster has such resources, and that they can be listed; changes nothing.

        Raises:
            EngineUnavailable: The API server does not respond, denies access or lacks the kind.
        """
        connection = self._connection()
        api = Api(connection)
        try:
            api.once("GET", self._kind.path(connection.namespace), query={"limit": "1"})
        except Exception as error:
            raise explained(api, self._kind, connection, error) from error

    # -- finding a resource

    def _connection(self) -> ClusterConnection:
        settings = self._settings
        if find_spec("kubernetes") is None:
            requires = ("stackfold[kubernetes]",)
            raise NotInstalled("model deployer", self._flavor, "kubernetes", requires)
        return ClusterConnection(
            settings.kubeconfig,
            settings.kubernetes_context,
            settings.in_cluster,
            settings.namespace or "default",
        )

    def _resource(self, name: str, reference: Reference | None = None) -> ClusterResource:
        """The resource of a deployment.

        Args:
            name: The name of the deployment.
            reference: What was recorded when it was deployed; None before that.
        """
        connection = self._connection()
        if reference is None:
            api = Api(connection)  # raises if there is no usable kubeconfig file
            connection = connection._replace(kubernetes_context=current_context(connection))
            return ClusterResource(api, self._kind, connection, cluster_name(self._deployer, name))
        # By now, another context may be the current one.
        connection = connection._replace(
            kubernetes_context=reference["context"], namespace=str(reference["namespace"])
        )
        return ClusterResource(Api(connection), self._kind, connection, str(reference["name"]))

    def _found(self, deployed: Deployed) -> tuple[ClusterResource, Manifest | None]:
        """The resource, and its content if it exists and belongs to the deployment."""
        resource = self._resource(deployed.name, deployed.reference)
        found = resource.found_in(_HEALTH_TIMEOUT)
        return resource, found if found and owner_of(found) == deployed.id else None

    def _own(self, resource: ClusterResource, model: ModelToServe) -> Manifest | None:
        """The existing resource; raises DeploymentUnavailable if it belongs to something else."""
        found = resource.existing()
        if found is not None and owner_of(found) != model.id:
            problem = (
                f"{resource.title} exists, and does not belong to it: delete that one, or choose "
                "another name"
            )
            raise DeploymentUnavailable(model.name, problem)
        return found

    # -- applying

    def _served(
        self,
        resource: ClusterResource,
        model: ModelToServe,
        manifest: Mapping[str, Any],
        before: Manifest | None,
    ) -> Served:
        """Apply a manifest, and wait until it is served."""
        resource.apply(manifest, model.id)
        former = (before or {}).get("status")
        arguments = arguments_of(manifest, resource.container)
        begun = failing_since = time.monotonic()
        while True:
            found = resource.found()
            if found is None or owner_of(found) != model.id:
                raise self._failed(model, f"{resource.title} was deleted")
            state = self._kind.state(found)
            if state.is_ready and state.url and resource.is_served_by(arguments):
                return Served(self._reference(resource, state.url), state.url)
            now = time.monotonic()
            # A failure from before an update says nothing.
            if not state.has_failed or found.get("status") == former:
                failing_since = now
            if now - failing_since > _GIVE_UP:
                problem = f"{resource.title} failed: {self._why(resource, state)}"
                raise self._failed(model, problem)
            if now - begun > self._settings.ready_timeout:
                limit = f"{self._settings.ready_timeout:g} seconds (ready_timeout)"
                problem = f"{resource.title} was not ready in {limit}: {self._why(resource, state)}"
                raise self._failed(model, problem)
            time.sleep(POLL_INTERVAL)

    def _reference(self, resource: ClusterResource, url: str) -> Reference:
        return {
            "context": resource.connection.kubernetes_context,
            "namespace": resource.connection.namespace,
            "kind": self._kind.kind,
            "name": resource.name,
            "url": url,
        }

    def _why(self, resource: ClusterResource, state: ResourceState) -> str:
        """Why a resource is not ready: what hinders its pods, or what its status says."""
        return resource.pod_problem() or state.problem or f"{self._kind.tool} gives no reason"

    def _failed(self, model: ModelToServe, problem: str) -> DeploymentFailed:
        return DeploymentFailed(self._deployer, model.name, problem)
