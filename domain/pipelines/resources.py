"""Resources: the processors and memory that a step needs."""

import re
from typing import Annotated, Any, TypedDict

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

_MEMORY = re.compile(r"(\d+(?:\.\d+)?) *([kKMGT]?)(i?)B?")
_POWERS = {"": 0, "k": 1, "K": 1, "M": 2, "G": 3, "T": 4}


def bytes_of(memory: str) -> int:
    """The number of bytes that a text such as "4GB", "512MiB" or "2Gi" gives.

    Raises:
        ValueError: The text is not an amount of memory.
    """
    found = _MEMORY.fullmatch(memory.strip())
    if found is None:
        raise ValueError("must be a number and a unit, such as 512MiB or 4GB")
    number, unit, binary = found.groups()
    return int(float(number) * (1024 if binary else 1000) ** _POWERS[unit])


def _valid_memory(memory: str) -> str:
    bytes_of(memory)
    return memory


Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Memory = Annotated[str, AfterValidator(_valid_memory)]
"""An amount of memory, such as "512MiB" or "4GB"."""


class Resources(BaseModel):
    """The resources of a step; the orchestrator or step operator decides those that are not set.

    An orchestrator that executes steps on this machine gives each step the whole machine.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    num_cpus: Amount | None = None
    """Processor cores; may be a fraction."""
    num_gpus: Amount | None = None
    """Graphics processors; may be a fraction where the engine shares them."""
    memory: Memory | None = None
    custom: dict[str, Amount] = Field(default_factory=dict)
    """Name → amount, of other resources that the engine manages."""


class ResourceChoice(TypedDict, total=False):
    """Resources as a dictionary, as in `@step(resources=...)`."""

    num_cpus: float
    num_gpus: float
    memory: str
    custom: dict[str, float]


AnyResources = Resources | ResourceChoice | dict[str, Any]
