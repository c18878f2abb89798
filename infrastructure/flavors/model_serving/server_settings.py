"""What is configured of model servers: as processes of this machine, and on a cluster."""

from typing import Literal

from pydantic import Field

from stackfold.application import ports
from stackfold.infrastructure.flavors.kubeflow.settings import KubernetesSecret
from stackfold.infrastructure.system.loopback import is_loopback


class ServerSettings(ports.Configuration):
    """A server that is a process of this machine."""

    host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="The address on which servers listen; 0.0.0.0 for every one that the machine "
        "has. Whoever reaches it may ask for predictions.",
    )
    port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="The port, where there is one deployment at most; by default a free one.",
    )
    python: str | None = Field(
        None,
        min_length=1,
        description="The Python interpreter, 3.11 or newer, whose environment has the server and "
        "what the model needs; by default the one that runs Stackfold.",
    )
    ready_timeout: float = Field(
        120,
        gt=0,
        le=3600,
        description="Seconds within which a server must be ready; if it is not, it is ended.",
    )
    timeout: float = Field(
        30, gt=0, le=3600, description="Seconds that a prediction may take, as `predict` asks."
    )
    environment: dict[str, str] = Field(
        default_factory=dict, description="Variables that servers have; for all to see."
    )

    @property
    def connect_to(self) -> str:
        """Where this machine reaches its servers."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104

    @property
    def is_loopback(self) -> bool:
        """Whether this machine alone reaches them."""
        return is_loopback(self.host)


class ClusterSettings(ServerSettings):
    """A server that could be a pod as well."""

    image: str | None = Field(
        None,
        description="The image of the pods, for a manifest: Stackfold with this flavor and the "
        "artifact store's, and what the model needs.",
    )
    namespace: str | None = Field(
        None,
        description="The cluster's namespace; by default the one that a manifest is applied in.",
    )
    replicas: int = Field(1, ge=1, description="How many pods there are.")
    service_account: str | None = Field(
        None, description="The account that the pods have in the cluster."
    )
    requests: dict[str, str] = Field(
        default_factory=dict, description="What a pod gets, in Kubernetes' words: cpu, memory, …"
    )
    limits: dict[str, str] = Field(default_factory=dict, description="What a pod gets at most.")
    secret_environment: dict[str, KubernetesSecret] = Field(
        default_factory=dict,
        description="Variables of the pods that come from the cluster's own secrets, as NAME:KEY: "
        "what it takes to read the artifact store.",
    )
    image_pull_secrets: list[str] = Field(
        default_factory=list, description="The cluster's secrets that the image is pulled with."
    )
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = Field(
        None, description="When the image is pulled, in Kubernetes' words."
    )
