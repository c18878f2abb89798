"""The configuration of the orchestrator and the step operator `ray`."""

from typing import Any, Literal

from pydantic import Field, field_validator

from stackfold.application import ports
from stackfold.domain.pipelines.resources import Amount, Memory
from stackfold.infrastructure.system.loopback import is_loopback


class RaySettings(ports.Configuration):
    """The cluster, its runtime environment, and the resources of steps."""

    address: str | None = Field(
        None,
        description="The cluster's head, as HOST:PORT; this machine must be able to reach all of "
        "its nodes. By default a local cluster is started, on loopback only.",
    )
    working_dir: str | None = Field(
        None,
        description="The folder that is sent to the nodes as the working folder of steps. By "
        "default, with an address, the folder of the program that runs the pipeline; empty to "
        "send nothing. Files in its .gitignore are excluded.",
    )
    py_modules: list[str] = Field(
        default_factory=list,
        description="Folders of further packages to send to the nodes.",
    )
    runtime_env: dict[str, Any] = Field(
        default_factory=dict,
        description="Further fields of Ray's runtime environment, such as pip or env_vars.",
    )
    num_cpus: Amount = Field(
        1, description="The cores of a step that does not specify them by resources."
    )
    num_gpus: Amount = Field(0, description="The GPUs of a step; may be a fraction.")
    memory: Memory | None = Field(
        None, description="The memory reserved for a step, such as 4GB; by default none."
    )
    custom_resources: dict[str, Amount] = Field(
        default_factory=dict, description="Custom resources of a step, as the nodes define them."
    )
    scheduling: Literal["pack", "spread"] = Field(
        "pack", description="Whether steps fill one node after another or are spread over all."
    )
    node_retries: int = Field(
        3, ge=0, description="How often a step is restarted because its node died."
    )
    patience: float = Field(
        60,
        gt=0,
        description="Seconds to wait for a node with the resources of a step if the cluster has "
        "none. For a busy node a step waits without limit.",
    )
    connect_timeout: float = Field(
        10, gt=0, description="Seconds to wait for a response of the head."
    )
    send_secrets: bool = Field(
        True,
        description="Whether the secrets that the stack's other components refer to are sent to "
        "the process of each step. Otherwise every node must have them.",
    )

    @field_validator("address")
    @classmethod
    def _is_a_head(cls, address: str | None) -> str | None:
        if address is None:
            return None
        if "://" in address:
            raise ValueError(
                "must be HOST:PORT, the head's: Ray's client cannot do all that is needed"
            )
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit():
            raise ValueError("must be HOST:PORT, such as 10.0.0.1:6379")
        return address

    @property
    def host(self) -> str:
        """The host of the head, without brackets; empty for a local cluster."""
        return (self.address or "").rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port of the head; 0 for a local cluster."""
        return int((self.address or ":0").rpartition(":")[2])

    @property
    def on_this_machine(self) -> bool:
        """Whether the cluster is on loopback."""
        return not self.host or is_loopback(self.host)

    @property
    def title(self) -> str:
        """Its name in messages."""
        return f"the Ray cluster at {self.address}" if self.address else "the local Ray cluster"
