"""Base class of deployers whose servers speak the Open Inference Protocol, version 2.

The protocol: https://github.com/kserve/open-inference-protocol
"""

import warnings
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from stackfold.application.ports.model_deployer import Deployed, Health, ModelToServe, Served
from stackfold.application.ports.tensors import Tensor
from stackfold.domain.errors import WouldNotRun
from stackfold.infrastructure.flavors.cluster_serving import cluster_manifest
from stackfold.infrastructure.flavors.cluster_serving.cluster_resources import ClusterResources
from stackfold.infrastructure.flavors.cluster_serving.resource_kind import ResourceKind
from stackfold.infrastructure.flavors.model_serving import server_requests
from stackfold.infrastructure.flavors.model_serving.process_deployer import ProcessModelDeployer
from stackfold.infrastructure.flavors.model_serving.server_settings import ClusterSettings


class OpenInferenceDeployer(ProcessModelDeployer):
    """Base class of the deployers `kserve` and `seldon`.

    Its servers are processes of this machine, or with `on_cluster` pods of a cluster, which the
    controller of a resource starts.
    """

    kind: ClassVar[ResourceKind]
    """The kind of the resource of a model on a cluster."""
    # Assigned once, so narrowing it is safe.
    configuration: ClusterSettings  # pyright: ignore[reportIncompatibleVariableOverride]

    @abstractmethod
    def resource(self, model: ModelToServe) -> dict[str, Any]:
        """Return the manifest that serves a model on a cluster; raises as `manifest`."""

    def manifest(self, model: ModelToServe) -> str:
        return cluster_manifest.to_yaml(self.resource(model))

    @property
    def on_cluster(self) -> bool:  # type: ignore[override]
        """Whether models are served on a cluster."""
        return self.configuration.on_cluster

    @property
    def is_remote(self) -> bool:  # type: ignore[override]
        """Whether other machines read the models."""
        return self.on_cluster

    @property
    def has_own_environment(self) -> bool:  # type: ignore[override]
        """Whether the server's package may be missing from this environment."""
        return self.on_cluster or super().has_own_environment

    def check_connection(self) -> None:
        if self.on_cluster:
            self._resources.check()

    def ready_path(self, name: str) -> str:
        return server_requests.ready_path(name)

    def inference_path(self, name: str) -> str:
        return server_requests.inference_path(name)

    def deploy(self, model: ModelToServe) -> Served:
        if not self.on_cluster:
            return super().deploy(model)
        return self._resources.deploy(model, self.resource(model))

    def update(self, deployed: Deployed, model: ModelToServe, former: ModelToServe) -> Served:
        manifest = self.resource(model)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", WouldNotRun)  # those of the new manifest suffice
            former_manifest = self.resource(former)
        return self._resources.update(deployed, model, manifest, former_manifest)

    def health(self, deployed: Deployed) -> Health:
        return self._resources.health(deployed) if self.on_cluster else super().health(deployed)

    def why_down(self, deployed: Deployed) -> str:
        if self.on_cluster:
            return self._resources.why_down(deployed)
        return super().why_down(deployed)

    def predict(self, deployed: Deployed, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
        if self.on_cluster:
            return self._resources.predict(deployed, inputs)
        url = self._url(deployed)
        return server_requests.infer(deployed.name, url, inputs, self.configuration.timeout)

    def logs(self, deployed: Deployed) -> Iterator[str]:
        return self._resources.logs(deployed) if self.on_cluster else super().logs(deployed)

    def stop(self, deployed: Deployed) -> None:
        if self.on_cluster:
            self._resources.delete(deployed)
        else:
            super().stop(deployed)

    def delete(self, deployed: Deployed) -> None:
        if self.on_cluster:
            self._resources.delete(deployed)
        else:
            super().delete(deployed)

    @property
    def _resources(self) -> ClusterResources:
        return ClusterResources(self.flavor, self.kind, self.configuration)
