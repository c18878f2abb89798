"""Returned: the outputs of steps that a pipeline function returned."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class ReturnedOutput(BaseModel):
    """An output of a step that a pipeline function returned."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    key: str
    """The key in the dictionary, or the index."""
    step: str
    output: str
    """The name of the output of the step."""


class Returned(BaseModel):
    """The outputs of steps that a pipeline function returned."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    kind: Literal["one", "tuple", "list", "dict"]
    outputs: tuple[ReturnedOutput, ...]
