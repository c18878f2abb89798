"""What is configured of a Ray cluster, whether it orchestrates or executes single steps."""

from typing import Any, Literal

from pydantic import Field, field_validator

from stackfold.application import ports
from stackfold.domain.pipelines.resources import Amount, Memory
from stackfold.infrastructure.system.loopback import is_loopback


class RaySettings(ports.Configuration):
    """Which cluster, what is sent there, and what a step gets."""

    address: str | None = Field(
        None,
        description="The cluster's head, as HOST:PORT; this machine must be able to reach all of "
        "its nodes. Without it, one of this machine's own is started, on loopback only.",
    )
    working_dir: str | None = Field(
        None,
        description="The folder that is sent to the nodes, for steps to start in and to import "
        "from. By default, with an address, the folder of the program that runs the pipeline; "
        "empty to send nothing. What its .gitignore names is left out.",
    )
    py_modules: list[str] = Field(
        default_factory=list,
        description="Folders of further packages that are sent to the nodes, to be imported.",
    )
    runtime_env: dict[str, Any] = Field(
        default_factory=dict,
        description="What else Ray's runtime environment shall hold, such as pip or env_vars.",
    )
    num_cpus: Amount = Field(
        1, description="The cores that a step gets, if it does not say so by resources."
    )
    num_gpus: Amount = Field(0, description="The GPUs that it gets; may be a fraction.")
    memory: Memory | None = Field(
        None, description="The memory that is set aside for it, such as 4GB; by default none is."
    )
    custom_resources: dict[str, Amount] = Field(
        default_factory=dict, description="What else it gets, of what the nodes say they have."
    )
    scheduling: Literal["pack", "spread"] = Field(
        "pack", description="Whether steps fill one node after another, or all alike."
    )
    node_retries: int = Field(
        3, ge=0, description="How often a step begins anew because its node died under it."
    )
    patience: float = Field(
        60,
        gt=0,
        description="Seconds to wait for a node that has what a step asks for, as long as the "
        "cluster has none; where one is busy, a step waits as long as it takes.",
    )
    connect_timeout: float = Field(
        10, gt=0, description="Seconds to wait for the head to answer at all."
    )
    send_secrets: bool = Field(
        True,
        description="Whether the secrets that the stack's other components refer to are sent with "
        "each step, to its process alone. If not, every node must have them.",
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
        """The head's, without brackets; empty for a cluster of this machine's own."""
        return (self.address or "").rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The head's."""
        return int((self.address or ":0").rpartition(":")[2])

    @property
    def on_this_machine(self) -> bool:
        """Whether the cluster is on loopback."""
        return not self.host or is_loopback(self.host)

    @property
    def title(self) -> str:
        """What it is called in a sentence."""
        return f"the Ray cluster at {self.address}" if self.address else "the local Ray cluster"
