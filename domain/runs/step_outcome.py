"""Step outcomes: the data that is recorded when a step ends."""

from datetime import datetime
from typing import Required, TypedDict
from uuid import UUID

from pydantic import BaseModel, ConfigDict, JsonValue

from stackfold.domain.runs.artifact import Artifact, OwnName


class StepLog(BaseModel):
    """The location of a step's output and log lines: UTF-8 text in the artifact store."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    uri: str
    digest: str
    """sha256 of the stored bytes, in hexadecimal."""
    size: int
    """Length in bytes."""


class StepResult(TypedDict, total=False):
    """The data of a completed step; see `Run.StepCompleted`."""

    step: Required[str]
    started: Required[datetime]
    parameters: Required[dict[str, JsonValue]]
    inputs: Required[dict[str, UUID]]
    outputs: Required[tuple[Artifact, ...]]
    retried: tuple[str, ...]
    log: StepLog | None
    key: str
    cached_from: UUID | None
    metadata: dict[str, JsonValue]
    tags: tuple[str, ...]
    ended: datetime
    names: dict[str, OwnName]
    model: dict[str, JsonValue]


class StepFailure(TypedDict, total=False):
    """The data of a failed step; see `Run.StepFailed`."""

    step: Required[str]
    started: Required[datetime]
    error: Required[str]
    traceback: Required[str]
    retried: tuple[str, ...]
    log: StepLog | None
    metadata: dict[str, JsonValue]
    tags: tuple[str, ...]
    ended: datetime


class StepCancellation(TypedDict, total=False):
    """The data of a cancelled step; see `Run.StepCancelled`."""

    step: Required[str]
    started: Required[datetime]
    reason: Required[str]
    log: StepLog | None
    ended: datetime
