"""The page of a deployment: its state, what it serves, its history and its log."""

import shlex
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from stackfold.application.deployments.deployment_views import (
    OPEN,
    DeploymentDescription,
)
from stackfold.application.history.views import HistoryEntry
from stackfold.domain.errors import NotFound, StackfoldError
from stackfold.infrastructure.workspace import Workspace
from stackfold.web.pages.health import NOT_SERVED, SILENT, Health, question
from stackfold.web.pages.limited import SECONDS, answers
from stackfold.web.pages.printed import Printed, end_of
from stackfold.web.pages.values import NO_FACTS, Facts, facts
from stackfold.web.pages.visit import Frame, Visit

MOST_ENTRIES = 60


class Deployment(NamedTuple):
    """The content of the page."""

    frame: Frame
    name: str
    deployment: DeploymentDescription | None
    """With the recorded status; None if it did not exist at the position, or was deleted."""
    health: Health
    run: str
    """The name of the run that produced the artifact; empty if it is not known."""
    log: Printed
    """The end of what its server has written; empty in the past."""
    settings: Facts
    """The configuration of the model deployer."""
    entries: tuple[HistoryEntry, ...]
    """The changes up to the position, newest first."""
    more: int | None
    """The last position of earlier changes that are not shown; None if there are none."""


def deployment(visit: Visit) -> Deployment:
    """Read the page of a deployment.

    Raises:
        NotFound: There never was such a deployment.
        Ambiguous: The name is the beginning of the names of several.
    """
    name = visit.names["name"]
    service = visit.workspace.deployments
    head = visit.frame("").head
    try:
        # At a position, also at the last one, no server is contacted.
        recorded = service.describe(name, visit.until or f"#{head}")
    except NotFound:
        recorded = None
    found = service.history(recorded.id if recorded else name, MOST_ENTRIES + 1, as_of=visit.until)
    shown = recorded.name if recorded else name
    quoted = shlex.quote(shown)
    at = f" --as-of '{visit.until}'" if visit.until else ""
    now = recorded if visit.as_of is None else None
    state, log = _now(visit, now) if now else (NOT_SERVED, Printed())
    run = _run(visit, recorded.model) if recorded else ""
    return Deployment(
        frame=visit.frame(
            f"Deployment {shown}",
            f"stackfold deployment describe {quoted}{at}",
            f"stackfold deployment history {quoted}",
            f"stackfold deployment logs {quoted}",
        ),
        name=shown,
        deployment=recorded,
        health=state,
        run=run,
        log=log,
        settings=facts(recorded.configuration) if recorded else NO_FACTS,
        entries=tuple(found[:MOST_ENTRIES]),
        more=found[MOST_ENTRIES].position if len(found) > MOST_ENTRIES else None,
    )


def _now(visit: Visit, deployment: DeploymentDescription) -> tuple[Health, Printed]:
    """The state of a server and the end of its log, both asked for at the same time."""
    workspace, id = visit.workspace, deployment.id
    questions: dict[str, Callable[[], Health | Printed]] = {"log": partial(_log, workspace, id)}
    if deployment.status in OPEN:
        questions["health"] = question(workspace, id)
    found = answers(questions)
    state = found.get("health", SILENT if "health" in questions else NOT_SERVED)
    log = found.get("log", Printed(problem=f"The log could not be read within {SECONDS:g} s."))
    assert isinstance(state, Health)  # noqa: S101
    assert isinstance(log, Printed)  # noqa: S101
    return state, log


def _log(workspace: Workspace, id: str) -> Printed:
    try:
        return end_of(workspace.deployments.logs(id))
    except StackfoldError as error:
        return Printed(problem=f"The log cannot be read: {error}")
    except Exception as error:  # of a custom flavor
        return Printed(problem=f"The log cannot be read: unexpected {type(error).__name__}")


def _run(visit: Visit, model: str) -> str:
    """The run that produced an artifact; empty if it is not there any more."""
    try:
        return visit.workspace.artifacts.describe(model).run
    except NotFound:
        return ""
