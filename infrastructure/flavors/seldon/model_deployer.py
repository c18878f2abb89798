"""The model deployer `seldon`."""

from typing import Any

from stackfold.application.ports.model_deployer import ModelToServe
from stackfold.infrastructure.flavors.cluster_serving import cluster_manifest
from stackfold.infrastructure.flavors.cluster_serving.open_inference_deployer import (
    OpenInferenceDeployer,
)
from stackfold.infrastructure.flavors.cluster_serving.resource_kind import (
    ResourceKind,
    ResourceState,
    condition_problem,
    one_line,
)
from stackfold.infrastructure.flavors.kubernetes.api import Manifest
from stackfold.infrastructure.flavors.model_serving.server_settings import ClusterSettings

_PORT, _GRPC_PORT = 9000, 9500
"""The default ports of custom containers in Seldon Core."""


def _state(found: Manifest) -> ResourceState:
    """Read the status of a SeldonDeployment."""
    status = found.get("status") or {}
    problem = one_line(str(status.get("description") or "")) or condition_problem(status)
    return ResourceState(
        status.get("state") == "Available",
        str((status.get("address") or {}).get("url") or ""),
        problem,
        status.get("state") == "Failed",
    )


class SeldonModelDeployer(OpenInferenceDeployer):
    """Serves models with Seldon's server, MLServer."""

    flavor = "seldon"
    extra_port_options = ("grpc-port",)

    class Configuration(ClusterSettings):
        """How servers run on this machine, and the pods of a manifest."""

    kind = ResourceKind(
        tool="Seldon Core 1",
        kind="SeldonDeployment",
        api="machinelearning.seldon.io/v1",
        plural="seldondeployments",
        pod_label="seldon-deployment-id",
        container="",
        state=_state,
    )
    # Assigned once, so narrowing it is safe.
    configuration: Configuration  # pyright: ignore[reportIncompatibleVariableOverride]

    def resource(self, model: ModelToServe) -> dict[str, Any]:
        """Return the manifest of a SeldonDeployment, a resource of Seldon Core 1.

        The servers of Seldon Core 2 are shared and read models from folders that describe
        themselves; an artifact is a single object.
        """
        deployer, settings = f"the model deployer {self.flavor!r}", self.configuration
        name = cluster_manifest.cluster_name(deployer, model.name)
        options: dict[str, str | int] = {"name": name, "port": _PORT, "grpc-port": _GRPC_PORT}
        container = {
            "name": name,
            **cluster_manifest.container(deployer, settings, self.flavor, model, options),
        }
        endpoint = {"type": "REST", "httpPort": _PORT, "grpcPort": _GRPC_PORT}
        predictor = {
            "name": "default",
            "replicas": settings.replicas,
            # Seldon addresses the model by the name of the node.
            "graph": {"name": name, "type": "MODEL", "endpoint": endpoint, "children": []},
            "componentSpecs": [
                {"spec": {**cluster_manifest.pod(settings), "containers": [container]}}
            ],
        }
        return {
            "apiVersion": self.kind.api,
            "kind": self.kind.kind,
            "metadata": cluster_manifest.metadata(settings, name, model),
            "spec": {"protocol": "v2", "predictors": [predictor]},
        }
