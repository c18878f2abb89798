"""The port of model deployers, which serve the models of pipelines over HTTP."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from stackfold.application.ports.stack_component import ConfigurationT, StackComponent
from stackfold.application.ports.tensors import Tensor
from stackfold.domain.stacks.component_type import ComponentType

Reference = Mapping[str, Any]
"""Identifies the server of a deployment; JSON values, recorded, so they must contain no secret."""


class Health(StrEnum):
    """The state of a deployment's server."""

    READY = "ready"
    """It serves predictions."""
    STARTING = "starting"
    """It is running, but does not serve predictions yet."""
    DOWN = "down"
    """It should serve predictions, but its server has ended or does not answer."""
    ELSEWHERE = "elsewhere"
    """Another machine serves it, which cannot be reached from this one."""


class ModelToServe(NamedTuple):
    """A model to deploy."""

    id: str
    """The deployment's id."""
    name: str
    """The deployment's name, which is also the model's name in requests."""
    artifact: str
    """The model, as "pipeline/step/output@version"."""
    type: str
    """The model's Python type, as "module.Class"."""
    uri: str
    """Its address in the artifact store."""
    digest: str
    """sha256 of the stored bytes, in hexadecimal."""
    versions: Mapping[str, str]
    """For version-dependent formats: "python" and module → the version that wrote it."""
    stack: str
    stack_revision: int
    load: Callable[[], object]
    """Loads the model from the artifact store, and verifies its digest."""
    copy: Callable[[Path], None]
    """Copies the stored bytes to a new file, or the files of a folder to a new folder, and verifies
    their digests."""
    environment: Mapping[str, str] = {}
    """Environment variables to read `uri` with, such as the store's endpoint and region."""
    files: int | None = None
    """The number of files in a folder; None for a single file."""
    behind_gateway: bool = False
    """Whether a gateway on this machine passes requests on to the server, which then needs no
    particular address: a free port of the loopback interface is best."""


class Deployed(NamedTuple):
    """An existing deployment, as passed to its deployer."""

    id: str
    name: str
    reference: Reference | None
    """What `deploy` returned; None if its process was killed before."""
    gateway: str | None = None
    """The gateway that passes requests on to the server, as "HOST:PORT", to send predictions to;
    None if there is none. Everything else is asked of the server itself."""


class Served(NamedTuple):
    """The result of a deployment."""

    reference: Reference
    url: str
    """The address of predictions, over HTTP."""
    listen: tuple[str, int | None] | None = None
    """The host and port that a gateway listens on for the server, with None for a free port; by
    default a free port of the loopback interface."""


class ModelDeployer(StackComponent[ConfigurationT]):
    """Serves models.

    Only `deploy` may use the flavor's requirements: the other methods are also called where they
    are not installed.
    """

    component_type = ComponentType.MODEL_DEPLOYER
    on_cluster: bool = False
    """Whether servers run on a cluster, by manifests that the deployer applies. Then no gateway of
    this machine passes requests on, and an update is one of the same server, by `update`. May be a
    property that reads the field `on_cluster` of the configuration, which `--apply` sets."""

    @abstractmethod
    def deploy(self, model: ModelToServe) -> Served:
        """Serve a model, and return once it is ready.

        The server continues when this process ends. Files of an earlier deployment with the same
        id are replaced. While a deployment is updated, two servers of one name and different ids
        run side by side.

        Args:
            model: The model.

        Raises:
            DeploymentFailed: The server ended or did not become ready in time. It no longer runs;
                its logs are still available.
        """

    def update(self, deployed: Deployed, model: ModelToServe, former: ModelToServe) -> Served:
        """Serve another model by the same server; only called if `on_cluster`.

        The server answers meanwhile, as far as the cluster can do that.

        Args:
            deployed: The server, with the reference by which it is found again.
            model: The model, with the id of the server.
            former: The model that it serves now.

        Raises:
            DeploymentFailed: The model did not become ready in time; the former one is served.
        """
        raise NotImplementedError

    @abstractmethod
    def health(self, deployed: Deployed) -> Health:
        """Return the state of the server, after at most a few seconds.

        Args:
            deployed: The deployment.
        """

    def why_down(self, deployed: Deployed) -> str:
        """Return why a deployment is down, in one line; empty, as by default, if unknown.

        Called right after `health` has returned DOWN.

        Args:
            deployed: The deployment.
        """
        return ""

    @abstractmethod
    def predict(self, deployed: Deployed, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
        """Request a prediction.

        Args:
            deployed: The deployment.
            inputs: The input tensors.

        Raises:
            DeploymentUnavailable: It is not ready, or did not answer in time.
            PredictionRejected: Its server answered that it cannot predict from these inputs.
        """

    @abstractmethod
    def logs(self, deployed: Deployed) -> Iterator[str]:
        """Yield the chunks of the server's log, oldest first.

        Args:
            deployed: The deployment.

        Raises:
            DeploymentUnavailable: The log is on another machine.
        """

    @abstractmethod
    def stop(self, deployed: Deployed) -> None:
        """End the server, if it runs, and return once it has ended.

        Args:
            deployed: The deployment.

        Raises:
            DeploymentUnavailable: It runs on another machine.
        """

    @abstractmethod
    def delete(self, deployed: Deployed) -> None:
        """Stop the server and delete its files and logs; raises as `stop`."""

    @abstractmethod
    def manifest(self, model: ModelToServe) -> str:
        """Return a Kubernetes manifest that serves the model, as YAML, without starting anything.

        Args:
            model: The model to serve.

        Raises:
            NoManifest: The flavor supports no cluster, or its configuration is incomplete.
        """
