"""The model deployer `seldon`."""

from stackfold.application.ports.model_deployer import ModelToServe
from stackfold.infrastructure.flavors.model_serving import cluster_manifest
from stackfold.infrastructure.flavors.model_serving.open_inference_deployer import (
    OpenInferenceDeployer,
)
from stackfold.infrastructure.flavors.model_serving.server_settings import ClusterSettings

_PORT, _GRPC_PORT = 9000, 9500
"""The default ports of custom containers in Seldon Core."""


class SeldonModelDeployer(OpenInferenceDeployer):
    """Serves models with Seldon's server, MLServer."""

    flavor = "seldon"
    extra_port_options = ("grpc-port",)

    class Configuration(ClusterSettings):
        """How servers run on this machine, and the pods of a manifest."""

    # Assigned once, so narrowing it is safe.
    configuration: Configuration  # pyright: ignore[reportIncompatibleVariableOverride]

    def manifest(self, model: ModelToServe) -> str:
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
        return cluster_manifest.to_yaml(
            {
                "apiVersion": "machinelearning.seldon.io/v1",
                "kind": "SeldonDeployment",
                "metadata": cluster_manifest.metadata(settings, name, model),
                "spec": {"protocol": "v2", "predictors": [predictor]},
            }
        )
