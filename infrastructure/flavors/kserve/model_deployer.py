"""The model deployer `kserve`."""

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
    is_met,
    one_line,
)
from stackfold.infrastructure.flavors.kubernetes.api import Manifest
from stackfold.infrastructure.flavors.model_serving.server_requests import inference_path
from stackfold.infrastructure.flavors.model_serving.server_settings import ClusterSettings

_CONTAINER = "kserve-container"
_PORT = 8080
"""The port that KServe expects of a container that declares none."""

_FAILED = frozenset({"BlockedByFailedLoad", "InvalidSpec"})
"""What KServe reports of a model that it gave up."""


def _state(found: Manifest) -> ResourceState:
    """Read the status of an InferenceService."""
    status = found.get("status") or {}
    model = status.get("modelStatus") or {}
    failure = model.get("lastFailureInfo") or {}
    url = str(status.get("url") or "").rstrip("/")
    return ResourceState(
        is_met(status, "Ready"),
        url and url + inference_path(found["metadata"]["name"]),
        one_line(str(failure.get("message") or "")) or condition_problem(status),
        model.get("transitionStatus") in _FAILED,
    )


class KServeModelDeployer(OpenInferenceDeployer):
    """Serves models with KServe's Python server."""

    flavor = "kserve"

    class Configuration(ClusterSettings):
        """How servers run on this machine, and the pods of a manifest."""

    kind = ResourceKind(
        tool="KServe",
        kind="InferenceService",
        api="serving.kserve.io/v1beta1",
        plural="inferenceservices",
        pod_label="serving.kserve.io/inferenceservice",
        container=_CONTAINER,
        state=_state,
    )
    # Assigned once, so narrowing it is safe.
    configuration: Configuration  # pyright: ignore[reportIncompatibleVariableOverride]

    def resource(self, model: ModelToServe) -> dict[str, Any]:
        deployer, settings = f"the model deployer {self.flavor!r}", self.configuration
        name = cluster_manifest.cluster_name(deployer, model.name)
        options: dict[str, str | int] = {"name": name, "port": _PORT}
        container = {
            "name": _CONTAINER,
            **cluster_manifest.container(deployer, settings, self.flavor, model, options),
            "ports": [{"containerPort": _PORT, "protocol": "TCP"}],
            "readinessProbe": {
                "httpGet": {"path": self.ready_path(name), "port": _PORT},
                "timeoutSeconds": 5,
            },
        }
        predictor = {
            "minReplicas": settings.replicas,
            "maxReplicas": settings.replicas,
            **cluster_manifest.pod(settings),
            "containers": [container],
        }
        return {
            "apiVersion": self.kind.api,
            "kind": self.kind.kind,
            "metadata": cluster_manifest.metadata(settings, name, model),
            "spec": {"predictor": predictor},
        }
