"""Shows runs, stacks, models, histories, diffs, artifacts and workspaces in notebooks as HTML.

The classes do not know of it: `enable` registers a function per class with IPython. So the outer
layers stay unknown to the inner ones, and lists of history entries can be shown as well.
"""

import sys
from collections.abc import Callable, Sequence
from functools import wraps
from types import TracebackType
from typing import Any

from stackfold.application.artifacts.artifact_views import ArtifactView, NamedArtifact
from stackfold.application.history.views import Change, HistoryEntry
from stackfold.application.models.views import (
    ModelDescription,
    ModelVersionDescription,
    ModelVersionView,
    ModelView,
)
from stackfold.application.runs.run_diffs import RunDiff
from stackfold.application.runs.run_views import RunDescription, RunView
from stackfold.application.stacks.views import StackView
from stackfold.application.validation.report_page import report_body
from stackfold.domain.errors import RunFailed, StackfoldError
from stackfold.domain.rfc3339 import from_rfc3339
from stackfold.domain.validation.validation_report import ValidationReport
from stackfold.infrastructure.finished_run import FinishedRun
from stackfold.infrastructure.workspace import Workspace
from stackfold.web.drawing.steps import draw_steps, duration, metrics, took
from stackfold.web.drawing.svg import text
from stackfold.web.notebook_models import (
    model_html,
    model_version_html,
    model_versions_html,
    models_html,
)
from stackfold.web.notebook_parts import (
    State,
    cell,
    heading,
    page,
    paragraph,
    short,
    table,
)


def run_html(run: RunDescription) -> str:
    """Return a run with the graph of its steps, its steps and their metrics.

    Args:
        run: The run.
    """
    steps = [
        (
            step.name,
            State(step.status),
            took(step),
            ", ".join(f"{name} {value}" for name, value in metrics(step).items()),
            step.error,
        )
        for step in run.steps
    ]
    return page(
        _run_heading(run),
        paragraph(run.error),
        f'<div class="scroll">{draw_steps(run.steps, f"Steps of {run.name}")}</div>',
        table(("step", "status", "took", "metrics", "error"), steps),
        table(("parameter", "value"), sorted(run.parameters.items())),
    )


def run_view_html(run: RunView) -> str:
    """Return a run in one line."""
    return page(_run_heading(run))


def finished_run_html(run: FinishedRun) -> str:
    """Return a run that was just called, as `run_html`."""
    return run_html(run.describe())


def validation_html(report: ValidationReport) -> str:
    """Return a report of a data validator with its checks, numbers and columns."""
    tool = " ".join(filter(None, (report.tool, report.version)))
    return page(heading(report.summary.partition(":")[0], tool), report_body(report))


def stack_html(stack: StackView) -> str:
    """Return a stack with its components."""
    active = " · active" if stack.active else ""
    return page(
        heading(f"Stack {stack.name}", f"revision {stack.revision}{active} · by {stack.by}"),
        paragraph(stack.description),
        table(
            ("type", "components"),
            [(kind, ", ".join(names)) for kind, names in stack.components.items()],
        ),
        table(("label", "value"), sorted(stack.labels.items())),
    )


def artifact_html(artifact: ArtifactView) -> str:
    """Return the facts about an artifact; its value is not loaded."""
    facts = [
        ("type", artifact.type),
        ("size", f"{artifact.size:,} bytes"),
        ("run", artifact.run),
        ("created", artifact.created),
        ("stored at", artifact.uri),
        ("sha256", artifact.digest),
        *sorted(artifact.metadata.items()),
        *([("tags", ", ".join(artifact.tags))] if artifact.tags else []),
    ]
    return page(heading(f"Artifact {artifact.reference}"), table(("", ""), facts))


def named_artifact_html(artifact: NamedArtifact) -> str:
    """Return the facts about a version of an artifact; its value is not loaded."""
    facts = [(name.replace("_", " "), value) for name, value in artifact._asdict().items()]
    return page(heading(f"Artifact {artifact.name}@{artifact.version}"), table(("", ""), facts))


def artifacts_html(artifacts: Sequence[NamedArtifact]) -> str:
    """Return artifacts, one row each."""
    rows = [
        (f"{each.name}@{each.version}", each.type, f"{each.size:,} bytes", each.created)
        for each in artifacts
    ]
    return page(table(("artifact", "type", "size", "created"), rows))


def stacks_html(stacks: Sequence[StackView]) -> str:
    """Return stacks, one row each."""
    rows = [
        (
            each.name,
            "active" if each.active else "",
            str(each.revision),
            "\n".join(f"{kind}: {', '.join(names)}" for kind, names in each.components.items()),
            each.updated,
            each.by,
        )
        for each in stacks
    ]
    return page(table(("stack", "", "revision", "components", "updated", "by"), rows))


def run_diff_html(diff: RunDiff) -> str:
    """Return the changes between two runs, and in what the runs differ."""
    return page(
        heading(f"{diff.before.name} → {diff.after.name}", f"{len(diff.differences)} differences"),
        _history_table(diff.changes) if diff.changes else "",
        table(("about", "field", "before", "after"), diff.differences),
    )


def history_html(entries: Sequence[HistoryEntry]) -> str:
    """Return changes, one row each."""
    return page(_history_table(entries))


def changes_html(changes: Sequence[Change]) -> str:
    """Return fields that differ, one row each."""
    return page(table(("field", "before", "after"), changes))


def runs_html(runs: Sequence[RunView]) -> str:
    """Return runs, one row each."""
    return page(_runs_table(runs))


def workspace_html(workspace: Workspace) -> str:
    """Return where a workspace is, its active stack and its latest runs."""
    from stackfold.application.listing.listing import Listing

    status = workspace.status()
    latest = workspace.runs.list(Listing(sort_by="position", descending=True, size=10))
    return page(
        heading("Workspace", status.store or status.home),
        paragraph(status.problem or f"Active stack: {status.active_stack}"),
        _runs_table(latest) if latest else paragraph("No runs yet."),
    )


# -- registration


def enable() -> None:
    """Register with IPython, if the program runs in it."""
    ipython = sys.modules.get("IPython")
    shell: Any = ipython.get_ipython() if ipython else None
    if shell is None:
        return
    formatter = shell.display_formatter.formatters["text/html"]
    for shown, render in RENDERERS.items():
        formatter.for_type(shown, _or_text(render))
    formatter.for_type(list, _or_text(list_html))
    if not getattr(shell, "custom_exceptions", True):  # a handler of the user's stays
        shell.set_custom_exc((RunFailed,), _show_failure)


def _show_failure(shell: Any, kind: Any, error: Any, frames: Any, tb_offset: Any = None) -> Any:
    """Show the frames of the step that raised, and of the cell, without those of this package."""
    shown = shell.InteractiveTB.structured_traceback(
        kind, error, own_frames(frames), tb_offset=tb_offset
    )
    shell._showtraceback(kind, error, shown)
    return shown


def own_frames(frames: TracebackType | None) -> TracebackType | None:
    """Return a traceback without the frames of this package."""
    if frames is None:
        return None
    rest = own_frames(frames.tb_next)
    if frames.tb_frame.f_globals.get("__name__", "").partition(".")[0] == "stackfold":
        return rest
    return TracebackType(rest, frames.tb_frame, frames.tb_lasti, frames.tb_lineno)


def list_html(values: list[Any]) -> str | None:
    """Return a list of entries, changes, runs, stacks or artifacts; None for any other list."""
    for shown, render in LISTS.items():
        if values and all(type(value) is shown for value in values):
            return render(values)
    return None


def _or_text(render: Callable[[Any], str | None]) -> Callable[[Any], str | None]:
    """Return nothing, so that the plain text is shown, if a workspace is closed or unavailable."""

    @wraps(render)
    def rendered(value: Any) -> str | None:
        try:
            return render(value)
        except StackfoldError:
            return None

    return rendered


RENDERERS: dict[type, Callable[[Any], str]] = {
    ArtifactView: artifact_html,
    NamedArtifact: named_artifact_html,
    FinishedRun: finished_run_html,
    ModelDescription: model_html,
    ModelVersionDescription: model_version_html,
    ModelVersionView: model_version_html,
    ModelView: model_html,
    RunDescription: run_html,
    RunDiff: run_diff_html,
    RunView: run_view_html,
    StackView: stack_html,
    ValidationReport: validation_html,
    Workspace: workspace_html,
}
"""Class → what shows an object of it."""
LISTS: dict[type, Callable[[Any], str]] = {
    Change: changes_html,
    HistoryEntry: history_html,
    ModelVersionView: model_versions_html,
    ModelView: models_html,
    NamedArtifact: artifacts_html,
    RunView: runs_html,
    StackView: stacks_html,
}
"""Class → what shows a list of its objects."""


# -- parts


def _run_heading(run: RunView | RunDescription) -> str:
    lasting = ""
    if run.ended:
        lasted = from_rfc3339(run.ended) - from_rfc3339(run.started)
        lasting = f" · {duration(lasted.total_seconds())}"
    return (
        f"<p><strong>Run {text(run.name)}</strong> {cell(State(run.status))}"
        f" · {text(run.pipeline)} on {text(run.stack)} revision {run.stack_revision}"
        f" · by {text(run.by)}{lasting}</p>"
    )


def _runs_table(runs: Sequence[RunView]) -> str:
    rows = [
        (run.name, State(run.status), run.pipeline, run.stack, run.started, run.by) for run in runs
    ]
    return table(("run", "status", "pipeline", "stack", "started", "by"), rows)


def _history_table(entries: Sequence[HistoryEntry]) -> str:
    rows = [
        (
            f"#{entry.position}",
            entry.when,
            entry.by,
            f"{entry.action} {entry.kind} {entry.name}",
            "\n".join(f"{change.field}: {_became(change)}" for change in entry.changes),
            entry.why,
        )
        for entry in entries
    ]
    return table(("", "when", "by", "change", "fields", "why"), rows)


def _became(change: Change) -> str:
    before, after = short(change.before), short(change.after)
    return after if change.before is None else f"{before} → {after or 'removed'}"
