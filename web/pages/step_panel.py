"""A step of a run: what went into it, what came of it, and what it printed."""

from collections.abc import Mapping
from typing import NamedTuple

from stackfold.application.artifacts.artifact_views import ArtifactView
from stackfold.application.runs.run_views import RunDescription, StepView
from stackfold.domain.errors import NotFound
from stackfold.infrastructure.workspace import Workspace
from stackfold.web.drawing.svg import visible
from stackfold.web.pages.printed import Printed, printed
from stackfold.web.pages.values import Facts, facts

MOST_ARTIFACTS = 30
MOST_RETRIES = 10
LONGEST_TRACEBACK = 16_000


class StepInput(NamedTuple):
    """An input of a step."""

    name: str
    artifact: str
    """Its reference, as "pipeline/step/output@version"; or its id if it no longer exists."""


class StepPanel(NamedTuple):
    """A step."""

    step: StepView
    cause: str
    """Why it was taken from the cache or executed; empty if that is not known."""
    cached_from: str
    """The name of the run that produced its outputs; empty if it was this one."""
    traceback: str
    """The end of its traceback."""
    metrics: Facts
    """Its metadata."""
    parameters: Facts
    inputs: tuple[StepInput, ...]
    more_inputs: int
    outputs: tuple[ArtifactView, ...]
    more_outputs: int
    printed: Printed


def step_panel(
    workspace: Workspace, run: RunDescription, step: StepView, cause: str | None = None
) -> StepPanel:
    """Read a step.

    Args:
        workspace: Has the run.
        run: The run.
        step: One of its steps.
        cause: Why it was taken from the cache or executed; None to look it up.
    """
    names = [*step.inputs.items()]
    known = {output.id: output.reference for each in run.steps for output in each.outputs}
    cut = "…\n" if len(step.traceback) > LONGEST_TRACEBACK else ""
    return StepPanel(
        step=step,
        cause=_cause(workspace, run, step, cause),
        cached_from=_name(workspace, step.cached_from),
        traceback=cut + visible(step.traceback[-LONGEST_TRACEBACK:]),
        metrics=facts(step.metadata),
        parameters=facts(step.parameters),
        inputs=tuple(
            StepInput(name, _reference(workspace, id, known)) for name, id in names[:MOST_ARTIFACTS]
        ),
        more_inputs=max(0, len(names) - MOST_ARTIFACTS),
        outputs=tuple(step.outputs[:MOST_ARTIFACTS]),
        more_outputs=max(0, len(step.outputs) - MOST_ARTIFACTS),
        printed=printed(workspace, run.id, step),
    )


def _cause(workspace: Workspace, run: RunDescription, step: StepView, known: str | None) -> str:
    if step.status not in {"completed", "cached"}:
        return ""
    if known is not None:
        return known
    return next((each.reason for each in workspace.runs.why(run.id, step.name)), "")


def _name(workspace: Workspace, run: str | None) -> str:
    """The name of the run with an id; a part of the id if the run was deleted."""
    if run is None:
        return ""
    try:
        return workspace.runs.get(run).name
    except NotFound:
        return run[:8]


def _reference(workspace: Workspace, artifact: str, known: Mapping[str, str]) -> str:
    """The reference of the artifact with an id, or the id if it no longer exists."""
    if artifact in known:
        return known[artifact]
    try:
        found = workspace.artifacts.get(artifact)
    except NotFound:
        return artifact
    return f"{found.name}@{found.version}"
