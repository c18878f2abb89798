"""What is recorded of a step that has ended."""

from datetime import datetime
from typing import Required, TypedDict
from uuid import UUID

from pydantic import BaseModel, ConfigDict, JsonValue

from stackfold.domain.runs.artifact import Artifact


class StepLog(BaseModel):
    """Where a step's output and log lines are; as UTF-8 text in the artifact store."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    uri: str
    digest: str
    """sha256 of the stored bytes, in hexadecimal."""
    size: int
    """Length in bytes."""


class StepResult(TypedDict, total=False):
    """What is recorded of a step that completed; see `Run.StepCompleted`."""

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


class StepFailure(TypedDict, total=False):
    """What is recorded of a step that failed; see `Run.StepFailed`."""

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
    """What is recorded of a step that was stopped; see `Run.StepCancelled`."""

    step: Required[str]
    started: Required[datetime]
    reason: Required[str]
    log: StepLog | None
    ended: datetime
