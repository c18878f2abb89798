"""The model deployer `seldon`."""

from stackfold.application.ports.model_deployer import ModelToServe
from stackfold.infrastructure.flavors.model_serving import cluster_manifest
from stackfold.infrastructure.flavors.model_serving.open_inference import ServedByOpenInference
from stackfold.infrastructure.flavors.model_serving.server_settings import ClusterSettings

_PORT, _GRPC_PORT = 9000, 9500
"""Those that Seldon gives to containers of one's own."""


class SeldonModelDeployer(ServedByOpenInference):
    """Serves models by Seldon's server, MLServer."""

    flavor = "seldon"
    program = "stackfold.infrastructure.flavors.seldon.server"
    more_ports = ("grpc-port",)

    class Configuration(ClusterSettings):
        """How servers run here, and what their pods would be like."""

    # Assigned once, so narrowing it is safe.
    configuration: Configuration  # pyright: ignore[reportIncompatibleVariableOverride]

    def manifest(self, model: ModelToServe) -> str:
        """A SeldonDeployment, which Seldon Core 1 takes.

        Seldon Core 2 has servers that are shared, and reads models from folders that describe
        themselves; an artifact is a single object.
        """
        deployer, settings = f"the model deployer {self.flavor!r}", self.configuration
        name = cluster_manifest.cluster_name(deployer, model.name)
        options: dict[str, str | int] = {"name": name, "port": _PORT, "grpc-port": _GRPC_PORT}
        container = {
            "name": name,
            **cluster_manifest.container(deployer, settings, self.program, model, options),
        }
        endpoint = {"type": "REST", "httpPort": _PORT, "grpcPort": _GRPC_PORT}
        predictor = {
            "name": "default",
            "replicas": settings.replicas,
            # Seldon asks the model that has the node's name.
            "graph": {"name": name, "type": "MODEL", "endpoint": endpoint, "children": []},
            "componentSpecs": [
                {"spec": {**cluster_manifest.pod(settings), "containers": [container]}}
            ],
        }
        return cluster_manifest.text(
            {
                "apiVersion": "machinelearning.seldon.io/v1",
                "kind": "SeldonDeployment",
                "metadata": cluster_manifest.metadata(settings, name, model),
                "spec": {"protocol": "v2", "predictors": [predictor]},
            }
        )
