"""The model deployer `seldon`."""

from collections.abc import Sequence

from stackfold.application.ports.model_deployer import Deployed, ModelToServe
from stackfold.application.tensors import Tensor
from stackfold.infrastructure.flavors.deployers import manifest as serving_manifest
from stackfold.infrastructure.flavors.deployers import server_requests
from stackfold.infrastructure.flavors.deployers.served_locally import ServedLocally
from stackfold.infrastructure.flavors.deployers.server_settings import ClusterSettings

_PORT, _GRPC_PORT = 9000, 9500
"""Those that Seldon gives to containers of one's own."""


class SeldonModelDeployer(ServedLocally):
    """Serves models by Seldon's server, MLServer."""

    flavor = "seldon"
    program = "seldon_server"
    more_ports = ("grpc-port",)

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
        """A SeldonDeployment, which Seldon Core 1 takes.

        Seldon Core 2 has servers that are shared, and reads models from folders that describe
        themselves; an artifact is a single object.
        """
        deployer, settings = f"the model deployer {self.flavor!r}", self.configuration
        name = serving_manifest.cluster_name(deployer, model.name)
        options: dict[str, str | int] = {"name": name, "port": _PORT, "grpc-port": _GRPC_PORT}
        container = {
            "name": name,
            **serving_manifest.container(deployer, settings, self.program, model, options),
        }
        endpoint = {"type": "REST", "httpPort": _PORT, "grpcPort": _GRPC_PORT}
        predictor = {
            "name": "default",
            "replicas": settings.replicas,
            # Seldon asks the model that has the node's name.
            "graph": {"name": name, "type": "MODEL", "endpoint": endpoint, "children": []},
            "componentSpecs": [
                {"spec": {**serving_manifest.pod(settings), "containers": [container]}}
            ],
        }
        return serving_manifest.text(
            {
                "apiVersion": "machinelearning.seldon.io/v1",
                "kind": "SeldonDeployment",
                "metadata": serving_manifest.metadata(settings, name, model),
                "spec": {"protocol": "v2", "predictors": [predictor]},
            }
        )
