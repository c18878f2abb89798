"""The model deployer `kserve`."""

from stackfold.application.ports.model_deployer import ModelToServe
from stackfold.infrastructure.flavors.model_serving import cluster_manifest
from stackfold.infrastructure.flavors.model_serving.open_inference_deployer import (
    OpenInferenceDeployer,
)
from stackfold.infrastructure.flavors.model_serving.server_settings import ClusterSettings

_PORT = 8080
"""The port that KServe expects of a container that declares none."""


class KServeModelDeployer(OpenInferenceDeployer):
    """Serves models with KServe's Python server."""

    flavor = "kserve"

    class Configuration(ClusterSettings):
        """How servers run on this machine, and the pods of a manifest."""

    # Assigned once, so narrowing it is safe.
    configuration: Configuration  # pyright: ignore[reportIncompatibleVariableOverride]

    def manifest(self, model: ModelToServe) -> str:
        deployer, settings = f"the model deployer {self.flavor!r}", self.configuration
        name = cluster_manifest.cluster_name(deployer, model.name)
        options: dict[str, str | int] = {"name": name, "port": _PORT}
        container = {
            "name": "kserve-container",
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
        return cluster_manifest.to_yaml(
            {
                "apiVersion": "serving.kserve.io/v1beta1",
                "kind": "InferenceService",
                "metadata": cluster_manifest.metadata(settings, name, model),
                "spec": {"predictor": predictor},
            }
        )
