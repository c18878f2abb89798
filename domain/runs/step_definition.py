"""A step in the graph of a run, as it is recorded."""

from pydantic import BaseModel, ConfigDict


class StepDefinition(BaseModel):
    """A step in the graph of a run, as recorded when the run started."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    name: str
    upstream: tuple[str, ...] = ()
    """The steps that must complete before this one."""
    step_operator: str | None = None
    """The name of the step operator that executes it; None if the orchestrator does."""
    code: str = ""
    """The fingerprint of its code: sha256 in hexadecimal; empty if unknown."""
    outputs: str = ""
    """Its declared outputs, such as "model: sklearn.base.ClassifierMixin, loss: float"."""
    materializers: str = ""
    """A digest of the materializers that may write its outputs, with their versions."""
    cache: bool = False
    """Whether the result of an equal earlier execution may be reused."""
