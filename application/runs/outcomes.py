"""Outcomes: the commands that record how the steps of a run ended."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from stackfold.application.runs.context import StepMetadata
from stackfold.application.runs.run_link import Command
from stackfold.application.runs.step_call import ExecutionResult, Failure
from stackfold.domain.pipelines.graph import Node
from stackfold.domain.runs.artifact import Artifact
from stackfold.domain.runs.run import StepLog


def completion(
    node: Node,
    started: datetime,
    ended: datetime,
    inputs: Mapping[str, Artifact],
    result: ExecutionResult,
    *,
    key: str,
    cached_from: UUID | None,
    log: StepLog | None,
    retried: tuple[str, ...],
) -> Command:
    """Return the command that records a step that returned, or was found in the cache.

    Args:
        node: The step.
        started: When it began.
        ended: When it ended.
        inputs: Input → its artifact.
        result: What it returned.
        key: Its cache key; empty for none.
        cached_from: The run that produced the outputs; None for this one.
        log: What it wrote; None for nothing.
        retried: The errors of earlier attempts.
    """
    model = result.artifacts.model_declaration
    taken = {name: artifact.id for name, artifact in inputs.items()}
    return lambda run: run.step_completed(
        step=node.name,
        started=started,
        parameters=dict(node.parameters),
        inputs=taken,
        outputs=result.outputs,
        retried=retried,
        log=log,
        key=key,
        cached_from=cached_from,
        metadata=result.metadata,
        tags=result.tags,
        ended=ended,
        names=dict(result.names),
        model=model,
    )


def failing(
    node: Node,
    started: datetime,
    ended: datetime,
    failed: Failure,
    added: StepMetadata,
    *,
    log: StepLog | None,
    retried: tuple[str, ...],
) -> Command:
    """Return the command that records a step that raised in its last attempt.

    Args:
        node: The step.
        started: When it began.
        ended: When it ended.
        failed: What it raised.
        added: The metadata and tags that it had added.
        log: What it wrote; None for nothing.
        retried: The errors of earlier attempts.
    """
    return lambda run: run.step_failed(
        step=node.name,
        started=started,
        error=failed.error,
        traceback=failed.traceback,
        retried=retried,
        log=log,
        metadata=added.metadata,
        tags=added.tags,
        ended=ended,
    )


def cancellation(
    step: str, started: datetime, ended: datetime, reason: str, log: StepLog | None = None
) -> Command:
    """Return the command that records a step that was stopped before it ended."""
    return lambda run: run.step_cancelled(
        step=step, started=started, ended=ended, reason=reason, log=log
    )


def skip(steps: tuple[str, ...], reason: str) -> Command:
    """Return the command that records steps that never began."""
    return lambda run: run.steps_skipped(steps, reason)
