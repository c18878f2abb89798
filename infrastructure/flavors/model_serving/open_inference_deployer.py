"""Base class of deployers whose servers speak the Open Inference Protocol, version 2.

The protocol: https://github.com/kserve/open-inference-protocol
"""

from collections.abc import Sequence

from stackfold.application.ports.model_deployer import Deployed
from stackfold.application.ports.tensors import Tensor
from stackfold.infrastructure.flavors.model_serving import server_requests
from stackfold.infrastructure.flavors.model_serving.process_deployer import ProcessModelDeployer
from stackfold.infrastructure.flavors.model_serving.server_settings import ClusterSettings


class OpenInferenceDeployer(ProcessModelDeployer):
    """Base class of the deployers `kserve` and `seldon`."""

    # Assigned once, so narrowing it is safe.
    configuration: ClusterSettings  # pyright: ignore[reportIncompatibleVariableOverride]

    def ready_path(self, name: str) -> str:
        return server_requests.ready_path(name)

    def inference_path(self, name: str) -> str:
        return server_requests.inference_path(name)

    def predict(self, deployed: Deployed, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
        address = self._address(deployed)
        return server_requests.infer(deployed.name, address, inputs, self.configuration.timeout)
