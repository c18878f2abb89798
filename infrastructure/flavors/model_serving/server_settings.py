"""The configuration of model servers, as processes of this machine and in a cluster."""

from typing import Literal

from pydantic import Field

from stackfold.application import ports
from stackfold.infrastructure.flavors.pod_settings import KubernetesSecret
from stackfold.infrastructure.system.loopback import is_loopback


class ServerSettings(ports.Configuration):
    """Settings of a server that is a process of this machine."""

    host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="The address to listen on; 0.0.0.0 for all addresses of the machine. Anyone "
        "who can reach it can request predictions.",
    )
    port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="The port, which limits the deployer to one deployment; by default a free one.",
    )
    python: str | None = Field(
        None,
        min_length=1,
        description="The Python interpreter (3.11 or newer) of an environment with the server and "
        "the model's packages; by default the one that runs Stackfold.",
    )
    ready_timeout: float = Field(
        120,
        gt=0,
        le=3600,
        description="Seconds until a server must be ready; otherwise it is terminated.",
    )
    timeout: float = Field(
        30, gt=0, le=3600, description="Seconds until a prediction must be complete."
    )
    environment: dict[str, str] = Field(
        default_factory=dict,
        description="Environment variables of servers; not for secrets, as the log holds them.",
    )

    @property
    def connect_to(self) -> str:
        """The address by which this machine reaches its servers."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches its servers."""
        return is_loopback(self.host)


class ClusterSettings(ServerSettings):
    """Settings of a server that can also run in a pod."""

    on_cluster: bool = Field(
        False,
        description="Whether models are served on a Kubernetes cluster, by applying their "
        "manifests, and not on this machine. `deployment deploy --apply` sets it for one "
        "deployment.",
    )
    kubeconfig: str | None = Field(
        None,
        min_length=1,
        description="The kubeconfig file; by default that of kubectl: KUBECONFIG, or "
        "~/.kube/config.",
    )
    kubernetes_context: str | None = Field(
        None,
        min_length=1,
        description="The context in the kubeconfig file; by default the current one.",
    )
    in_cluster: bool = Field(
        False,
        description="Whether this program runs in a pod of the cluster, and uses its service "
        "account instead of a kubeconfig file.",
    )

    image: str | None = Field(
        None,
        description="The image of the pods: Stackfold with the extras of this flavor and of the "
        "artifact store, and the model's packages.",
    )
    namespace: str | None = Field(
        None,
        description="The namespace; by default `default`, or for a printed manifest the one that "
        "it is applied in.",
    )
    replicas: int = Field(1, ge=1, description="The number of pods.")
    service_account: str | None = Field(
        None, description="The Kubernetes service account of the pods."
    )
    requests: dict[str, str] = Field(
        default_factory=dict, description="Resource requests of a pod: cpu, memory, …"
    )
    limits: dict[str, str] = Field(default_factory=dict, description="Resource limits of a pod.")
    secret_environment: dict[str, KubernetesSecret] = Field(
        default_factory=dict,
        description="Environment variables of the pods from Kubernetes secrets, as NAME:KEY: the "
        "credentials of the artifact store.",
    )
    image_pull_secrets: list[str] = Field(
        default_factory=list, description="The Kubernetes secrets to pull the image with."
    )
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = Field(
        None, description="When Kubernetes pulls the image."
    )
