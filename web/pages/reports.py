"""Reports: pages as documents, which are read elsewhere and later."""

from typing import NamedTuple
from urllib.parse import quote

from markupsafe import Markup

from stackfold.application.listing.listing import Listing
from stackfold.application.models.views import (
    ModelVersionDescription,
    ModelVersionView,
    VerdictView,
)
from stackfold.domain.errors import NotFound
from stackfold.infrastructure.workspace import Workspace
from stackfold.web.pages.run import RunPage, run_page
from stackfold.web.pages.stack import Stack, stack
from stackfold.web.pages.step_panel import StepPanel, step_panel
from stackfold.web.pages.strips import LENGTH, StripRun, Trouble, drawn, runs_of, slots, trouble
from stackfold.web.pages.visit import Frame, Visit

MOST_PANELS = 60
MOST_MODELS = 60
MOST_VERDICTS = 12


class DocumentFrame(Frame):
    """What surrounds a report: its addresses are empty, and its times are dates."""

    __slots__ = ()

    def url(self, path: str, **query: str | int | None) -> str:
        """The address of a step in the same document; empty for any other page."""
        step = query.get("step")
        return f"#step-{quote(str(step), safe='')}" if step else ""

    def when(self, time: str) -> str:
        """The date and the time of day."""
        return f"{time[:10]} {time[11:16]} UTC"

    def time_of_day(self, time: str) -> str:
        """The date too: a report has no headings of days."""
        return self.when(time)


class DocumentVisit(Visit):
    """A visit of a page that becomes a report."""

    __slots__ = ()

    def frame(self, title: str, *commands: str) -> Frame:
        """The frame of the report."""
        return DocumentFrame(*super().frame(title, *commands))


class RunReport(NamedTuple):
    """The content of the report of a run."""

    page: RunPage
    panels: tuple[StepPanel, ...]
    """Its steps; those that failed first."""
    more_panels: int
    others: frozenset[str]
    """The steps without a panel, to which links lead in the table."""
    version: ModelVersionDescription | None
    """The version of a model that it makes or continues; None for none, or if it was deleted."""
    verdicts: tuple[VerdictView, ...]
    """What gates found about this version, newest first."""


class StackReport(NamedTuple):
    """The content of the report of a stack."""

    page: Stack
    strip: Markup
    """Its last runs as a picture; empty if there are none."""
    runs: tuple[StripRun, ...]
    """Its last runs, newest first."""
    trouble: Trouble | None
    promoted: tuple[ModelVersionView, ...]
    """The versions of models that were made on it and have an alias."""


def run_report(workspace: Workspace, reference: str, now: str) -> RunReport:
    """Read the report of a run.

    Args:
        workspace: Has the run.
        reference: The run, such as "latest".
        now: The time of the report: RFC 3339, UTC.

    Raises:
        NotFound: There is no such run.
        Ambiguous: The reference is a prefix of several runs.
    """
    described = workspace.runs.describe(reference)
    visit = _visit(workspace, f"/runs/{described.name}", described.name, now)
    page = run_page(visit, described, None)
    # Only what ended or is running has something to say besides its state.
    steps = [step for step in described.steps if step.status not in {"pending", "skipped"}]
    steps.sort(key=lambda step: step.status != "failed")
    causes = {each.step: each.reason for each in workspace.runs.why(described.id)}
    shown = steps[:MOST_PANELS]
    version = _version_of(workspace, described.model_version)
    verdicts = workspace.models.verdicts(version.model, version.number) if version else ()
    return RunReport(
        page=page,
        panels=tuple(step_panel(workspace, described, step, causes[step.name]) for step in shown),
        more_panels=len(steps) - len(shown),
        others=frozenset(each.name for each in described.steps) - {each.name for each in shown},
        version=version,
        verdicts=tuple(verdicts[:MOST_VERDICTS]),
    )


def stack_report(workspace: Workspace, reference: str | None, now: str) -> StackReport:
    """Read the report of a stack.

    Args:
        workspace: Has the stack.
        reference: The stack, by name, id or unique prefix; None for the active one.
        now: The time of the report: RFC 3339, UTC.

    Raises:
        NotFound: There is no such stack.
        Ambiguous: The reference is a prefix of several stacks.
    """
    name = workspace.stacks.get(reference).name
    visit = _visit(workspace, f"/stacks/{name}", name, now)
    page = stack(visit)
    runs = runs_of(visit, workspace.stacks.get(name).id, LENGTH)
    if not runs:
        return StackReport(page, Markup(), (), None, ())
    promoted = _promoted(workspace, name)
    strip = slots(runs, [period.entry for period in page.periods])
    picture = drawn(strip, name, page.frame)
    return StackReport(page, picture, tuple(reversed(runs)), trouble(strip), promoted)


def _version_of(workspace: Workspace, reference: str | None) -> ModelVersionDescription | None:
    model, _, number = (reference or "").rpartition("@")
    try:
        return workspace.models.describe_version(model, number) if model else None
    except NotFound:
        return None


def _promoted(workspace: Workspace, stack: str) -> tuple[ModelVersionView, ...]:
    """The versions that were made on a stack and have an alias, by model."""
    models = [each for each in workspace.models.list(Listing(size=MOST_MODELS)) if each.aliases]
    return tuple(
        version
        for model in models
        for version in workspace.models.versions(
            model.id, all=True, numbers=sorted({*model.aliases.values()})
        )
        if version.stack == stack
    )


def _visit(workspace: Workspace, path: str, name: str, now: str) -> Visit:
    return DocumentVisit(
        workspace, path, "", query={}, names={"name": name}, as_of=None, as_of_time=None, now=now
    )
