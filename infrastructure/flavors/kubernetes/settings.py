"""The configuration that the orchestrator and the step operator `kubernetes` share."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, Field, field_validator

from stackfold.application import ports
from stackfold.domain.pipelines.resources import Amount, Memory
from stackfold.infrastructure.flavors.pod_settings import KubernetesSecret, PodSettings

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError("must be a name of Kubernetes: a to z, digits and hyphens, at most 63")
    return text


Name = Annotated[str, AfterValidator(_name)]
"""The name of a namespace or service account."""


class KubernetesPodSettings(PodSettings):
    """Settings of pods; those that are objects have the fields of Kubernetes."""

    security_context: dict[str, Any] = Field(default_factory=dict)
    """The securityContext of the container, such as {"runAsNonRoot": true}."""
    pod_security_context: dict[str, Any] = Field(default_factory=dict)
    """The securityContext of the pod, such as {"fsGroup": 1000}."""
    affinity: dict[str, Any] = Field(default_factory=dict)
    priority_class_name: str | None = None
    runtime_class_name: str | None = None
    termination_grace_period: int = Field(default=30, ge=0)
    """Seconds for a stopped step to clean up."""


class KubernetesSettings(ports.Configuration):
    """The cluster, and the pods of steps."""

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
    namespace: Name = Field("default", description="The namespace of the Jobs.")
    service_account_name: Name | None = Field(
        None,
        description="The service account of the pods of steps; by default that of the namespace, "
        "and no token is mounted.",
    )
    pod_settings: KubernetesPodSettings = Field(
        default_factory=KubernetesPodSettings, description="Settings of the pods of all steps."
    )
    num_cpus: Amount | None = Field(
        None,
        description="The cores of a step that does not specify them by resources; by default "
        "neither a request nor a limit.",
    )
    memory: Memory | None = Field(
        None, description="The memory of a step that does not specify it, such as 4GB."
    )
    gpu_type: str = Field(
        "nvidia.com/gpu", min_length=1, description="The Kubernetes resource name of GPUs."
    )
    environment: dict[str, str] = Field(
        default_factory=dict,
        description="Environment variables of the pods; not for secrets, as the log holds them.",
    )
    secret_environment: dict[str, KubernetesSecret] = Field(
        default_factory=dict,
        description="Environment variables of the pods from existing Kubernetes secrets, as "
        "NAME:KEY.",
    )
    send_secrets: bool = Field(
        True,
        description="Whether the secrets that the stack's other components refer to are sent to "
        "each pod, as a Kubernetes secret that is deleted when the step has ended. Otherwise give "
        "them by secret_environment.",
    )
    pod_retries: int = Field(
        3,
        ge=0,
        description="How often a step is restarted because its pod was lost: evicted, preempted, "
        "deleted, or on a node that died.",
    )
    patience: float = Field(
        300,
        gt=0,
        description="Seconds until a pod must have started: for a node with its resources, for its "
        "image, and for its volumes.",
    )
    poll_interval: float = Field(
        2, gt=0, le=60, description="Seconds between two requests for the state of a pod."
    )
    max_outage: float = Field(
        120,
        ge=0,
        description="Seconds for which the API server may be unavailable while a step is executed.",
    )
    ttl_seconds: int = Field(
        86400,
        ge=0,
        description="Seconds after which Kubernetes deletes a Job that has ended, with its log.",
    )
    shares_files: bool = Field(
        False,
        description="Whether the pods see the files of this machine at the same paths, as on a "
        "cluster of one node that mounts them. Otherwise artifacts and log must be shared.",
    )

    @field_validator("environment", "secret_environment")
    @classmethod
    def _are_variables(cls, values: dict[str, str]) -> dict[str, str]:
        for name in values:
            if not _VARIABLE.fullmatch(name):
                raise ValueError(f"{name!r} is not the name of an environment variable")
        return values

    @field_validator("pod_settings")
    @classmethod
    def _has_no_labels_of_ours(cls, pods: KubernetesPodSettings) -> KubernetesPodSettings:
        for name in pods.labels:
            if name.startswith("stackfold/"):
                raise ValueError(f"the label {name!r} is set by Stackfold")
        return pods

    @property
    def title(self) -> str:
        """Its name in messages."""
        context = f"context {self.kubernetes_context!r}, " if self.kubernetes_context else ""
        return f"Kubernetes ({context}namespace {self.namespace!r})"
