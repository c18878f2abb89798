"""The port of model deployers: a model that a pipeline made, behind an address that predicts."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from stackfold.application.ports.stack_component import StackComponent
from stackfold.application.ports.tensors import Tensor
from stackfold.domain.stacks.component_type import ComponentType

Reference = Mapping[str, Any]
"""What finds the server of a deployment again; values that JSON can carry, kept in the record.
It holds no secret."""


class Health(StrEnum):
    """How a deployment is found when somebody looks."""

    READY = "ready"
    """It predicts."""
    STARTING = "starting"
    """It is alive, and does not predict yet."""
    DOWN = "down"
    """It should predict, but its server is gone or does not answer."""
    ELSEWHERE = "elsewhere"
    """Another machine serves it, which cannot be asked from here."""


class ModelToServe(NamedTuple):
    """What a deployment is to serve, and what a server may be told of it."""

    id: str
    """The deployment's id."""
    name: str
    """The deployment's name, which is also the model's name for whoever asks for predictions."""
    artifact: str
    """The model, as "pipeline/step/output@version"."""
    type: str
    """The model's Python type, as "module.Class"."""
    uri: str
    """Where the artifact store keeps it."""
    digest: str
    """sha256 of the stored bytes, in hexadecimal."""
    versions: Mapping[str, str]
    """"python" and module → the version that wrote it, where another may fail to read it."""
    stack: str
    stack_revision: int
    load: Callable[[], object]
    """Reads the model from the artifact store, its digest checked."""
    copy: Callable[[Path], None]
    """Writes the stored bytes into a new file, their digest checked."""
    environment: Mapping[str, str] = {}
    """Variables by which another program reads `uri`, such as the store's endpoint and region."""


class Deployed(NamedTuple):
    """A deployment, as its deployer finds it again."""

    id: str
    name: str
    reference: Reference | None
    """What `deploy` returned; None if whoever called it was killed before it did."""


class Served(NamedTuple):
    """What came of deploying a model."""

    reference: Reference
    url: str
    """Where predictions are asked for, over HTTP."""


class ModelDeployer(StackComponent):
    """Serves models.

    Only `deploy` may use what the flavor requires to be installed: whoever looks, predicts, stops
    or asks for a manifest may do so where the server could not be started.
    """

    component_type = ComponentType.MODEL_DEPLOYER

    @abstractmethod
    def deploy(self, model: ModelToServe) -> Served:
        """Serve a model, and return once it predicts.

        It goes on when this process ends. What it kept of an earlier time under the same id is
        replaced.

        Args:
            model: What to serve.

        Raises:
            DeploymentFailed: It ended or did not become ready in time. Nothing of it is left
                running; its logs are still there.
        """

    @abstractmethod
    def health(self, deployed: Deployed) -> Health:
        """How it is, after a bounded wait of a few seconds at most."""

    def why_down(self, deployed: Deployed) -> str:
        """Why a deployment is down, in one line; empty, as by default, if that is not known.

        Asked right after `health` has found it so.
        """
        return ""

    @abstractmethod
    def predict(self, deployed: Deployed, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
        """Ask for a prediction.

        Raises:
            DeploymentUnavailable: It is down, starting or elsewhere, or did not answer in time.
            PredictionRejected: Its server answered that it cannot predict from these inputs.
        """

    @abstractmethod
    def logs(self, deployed: Deployed) -> Iterator[str]:
        """What its server has written, in pieces, the oldest first; nothing if there is nothing.

        Raises:
            DeploymentUnavailable: They are elsewhere.
        """

    @abstractmethod
    def stop(self, deployed: Deployed) -> None:
        """End its server, and return once it has ended; one that is gone is fine.

        Raises:
            DeploymentUnavailable: It is elsewhere.
        """

    @abstractmethod
    def delete(self, deployed: Deployed) -> None:
        """Remove what was kept for it, its logs included, after stopping it; raises as `stop`."""

    @abstractmethod
    def manifest(self, model: ModelToServe) -> str:
        """What would make a Kubernetes cluster serve the model, as YAML; nothing is started.

        Raises:
            NoManifest: This flavor serves on no cluster, or its configuration lacks what a
                cluster must know.
        """
