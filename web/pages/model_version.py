"""The page of a model version: what it was made of, what came of it, and where it was promoted."""

import shlex
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from stackfold.application.history.views import HistoryEntry
from stackfold.application.models.views import ModelVersionDescription, VerdictView
from stackfold.domain.errors import Ambiguous, NotFound
from stackfold.web.pages.runs import number_text
from stackfold.web.pages.values import Facts, facts
from stackfold.web.pages.visit import Frame, Moved, Visit

MOST_VERDICTS = 12
MOST_PERIODS = 30
MOST_LINKED = 40
MOST_NUMBERS = 12
"""The most metrics that are shown in large type."""


class Measured(NamedTuple):
    """A metric."""

    name: str
    text: str


class Period(NamedTuple):
    """The time in which an alias stood for the version."""

    alias: str
    begin: HistoryEntry
    end: HistoryEntry | None
    """None if it still does."""

    @property
    def successor(self) -> int | None:
        """The number of the version that it was replaced by; None for none."""
        changes = self.end.changes if self.end else ()
        found = (each.after for each in changes if each.field == self.alias)
        return next((after for after in found if isinstance(after, int)), None)


class ModelVersion(NamedTuple):
    """The content of the page."""

    frame: Frame
    version: ModelVersionDescription
    position: int | None
    """Where its run started; None if the run was deleted."""
    main: str
    """The artifact that its reference stands for; empty if it is none, or one of several."""
    metrics: tuple[Measured, ...]
    more_metrics: int
    artifacts: tuple[str, ...]
    more_artifacts: int
    inputs: tuple[tuple[str, str], ...]
    """Reference as it was given, and the exact version."""
    more_inputs: int
    parameters: Facts
    metadata: Facts
    periods: tuple[Period, ...]
    """Newest first."""
    verdicts: tuple[VerdictView, ...]
    """Newest first."""
    more_verdicts: int
    before: int | None
    """The number of the version before; None if there is none."""


def model_version(visit: Visit) -> ModelVersion | Moved:
    """Read the page of a version, or return its own address for an alias such as "production".

    Raises:
        NotFound: There is no such version, or there was none at the position of the page.
        Ambiguous: The name is the beginning of the names of several models.
    """
    models, which = visit.workspace.models, visit.names["version"]
    version = models.describe_version(visit.names["name"], which, visit.until)
    if (version.model, str(version.number)) != (visit.names["name"], which):
        return Moved(f"/models/{version.model}/versions/{version.number}")
    reference = f"{version.model}@{version.number}"
    quoted = shlex.quote(version.model)
    frame = visit.frame(reference)
    run = visit.workspace.runs.describe(version.run) if version.pipeline else None
    verdicts = models.verdicts(version.model, version.number, as_of=visit.until)
    history = models.history(version.model, as_of=visit.until)
    earlier = models.versions(version.model, as_of=visit.until, below=version.number, limit=1)
    metrics = [Measured(name, number_text(value)) for name, value in version.metrics.items()]
    inputs = [*version.inputs.items()]
    return ModelVersion(
        frame=frame._replace(
            commands=(
                f"stackfold model version describe {quoted} {version.number}{frame.at}",
                f"stackfold model history {quoted}",
            )
        ),
        version=version,
        position=run.position if run else None,
        main=_main(visit, reference),
        metrics=tuple(metrics[:MOST_NUMBERS]),
        more_metrics=max(0, len(metrics) - MOST_NUMBERS),
        artifacts=tuple(version.artifacts[:MOST_LINKED]),
        more_artifacts=max(0, len(version.artifacts) - MOST_LINKED),
        inputs=tuple(inputs[:MOST_LINKED]),
        more_inputs=max(0, len(inputs) - MOST_LINKED),
        parameters=facts(run.parameters if run else {}),
        metadata=facts(version.metadata),
        periods=tuple(_periods(history, version.number)[:MOST_PERIODS]),
        verdicts=tuple(verdicts[:MOST_VERDICTS]),
        more_verdicts=max(0, len(verdicts) - MOST_VERDICTS),
        before=earlier[0].number if earlier else None,
    )


def version_made_by(visit: Visit, run: str) -> str:
    """The version of a model that a run makes or continues, such as "fraud@3".

    Args:
        visit: The visit of the page.
        run: The run.

    Returns:
        The version; empty for none, or if the run was deleted.
    """
    try:
        return visit.workspace.runs.get(run).model_version or ""
    except NotFound:
        return ""


def _main(visit: Visit, reference: str) -> str:
    try:
        return visit.workspace.artifacts.get(reference).view.reference
    except (NotFound, Ambiguous):
        return ""


def _periods(history: Sequence[HistoryEntry], number: int) -> list[Period]:
    """When which alias stood for the version with a number, newest first.

    Args:
        history: What happened to the model, newest first.
        number: The number.
    """
    begun: dict[str, HistoryEntry] = {}
    found: list[Period] = []
    for entry in reversed(history):
        numbers: Mapping[str, tuple[object, object]] = {
            change.field: (change.before, change.after) for change in entry.changes
        }
        for alias, (before, after) in numbers.items():
            if before == number and alias in begun:
                found.append(Period(alias, begun.pop(alias), entry))
            if after == number and type(after) is int:
                begun[alias] = entry
    found += [Period(alias, begin, None) for alias, begin in begun.items()]
    return sorted(found, key=lambda period: -period.begin.position)
