"""The model deployer `kserve`."""

from collections.abc import Sequence

from stackfold.application.ports.model_deployer import Deployed, ModelToServe
from stackfold.application.tensors import Tensor
from stackfold.infrastructure.flavors.deployers import manifest as serving_manifest
from stackfold.infrastructure.flavors.deployers import server_requests
from stackfold.infrastructure.flavors.deployers.served_locally import ServedLocally
from stackfold.infrastructure.flavors.deployers.server_settings import ClusterSettings

_PORT = 8080
"""The one that KServe expects of a container that names none."""


class KServeModelDeployer(ServedLocally):
    """Serves models by KServe's Python server."""

    flavor = "kserve"
    program = "kserve_server"

    class Configuration(ClusterSettings):
        """How servers run here, and what their pods would be like."""

    configuration: Configuration

    def ready_path(self, name: str) -> str:
        return server_requests.ready_path(name)

    def inference_path(self, name: str) -> str:
        return server_requests.inference_path(name)

    def predict(self, deployed: Deployed, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
        address = self._address(deployed)
        return server_requests.infer(deployed.name, address, inputs, self.configuration.timeout)

    def manifest(self, model: ModelToServe) -> str:
        deployer, settings = f"the model deployer {self.flavor!r}", self.configuration
        name = serving_manifest.cluster_name(deployer, model.name)
        options: dict[str, str | int] = {"name": name, "port": _PORT}
        container = {
            "name": "kserve-container",
            **serving_manifest.container(deployer, settings, self.program, model, options),
            "ports": [{"containerPort": _PORT, "protocol": "TCP"}],
            "readinessProbe": {
                "httpGet": {"path": self.ready_path(name), "port": _PORT},
                "timeoutSeconds": 5,
            },
        }
        predictor = {
            "minReplicas": settings.replicas,
            "maxReplicas": settings.replicas,
            **serving_manifest.pod(settings),
            "containers": [container],
        }
        return serving_manifest.text(
            {
                "apiVersion": "serving.kserve.io/v1beta1",
                "kind": "InferenceService",
                "metadata": serving_manifest.metadata(settings, name, model),
                "spec": {"predictor": predictor},
            }
        )
