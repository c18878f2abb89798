"""Settings of pods, for the flavors that start them."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _name_and_key(text: str) -> str:
    name, _, key = text.partition(":")
    if not name or not key:
        raise ValueError("must be NAME:KEY, of a secret in the cluster")
    return text


KubernetesSecret = Annotated[str, AfterValidator(_name_and_key)]
"""A key of a Kubernetes secret, as "name:key"."""


class Toleration(BaseModel):
    """A toleration of the pods, with the fields of Kubernetes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str | None = None
    operator: Literal["Equal", "Exists"] | None = None
    value: str | None = None
    effect: Literal["NoExecute", "NoSchedule", "PreferNoSchedule"] | None = None
    toleration_seconds: int | None = None


class Volume(BaseModel):
    """A volume of the pods."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    claim: str
    """The name of its PersistentVolumeClaim."""
    path: str
    """The path in the pods."""
    sub_path: str = ""
    """The folder of the volume to mount; by default all of it."""


class PodSettings(BaseModel):
    """Settings of the pods of all steps."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    node_selectors: dict[str, str] = Field(default_factory=dict)
    """Label → value that a node must have."""
    tolerations: list[Toleration] = Field(default_factory=list)
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    image_pull_secrets: list[str] = Field(default_factory=list)
    """The Kubernetes secrets to pull images with."""
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = None
    volumes: list[Volume] = Field(default_factory=list)
