"""A home with events of all kinds, ways to tamper with it, and queries for tests."""

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from event_examples import EXAMPLES
from workspaces import OPERATOR, STORE, stack, store

from stackfold.application.aggregates import STACKFOLD_AGGREGATES
from stackfold.application.history.views import HistoryEntry
from stackfold.application.stacks.views import StackView
from stackfold.domain.deployments.deployment import Deployment
from stackfold.domain.errors import StackfoldError
from stackfold.domain.models.model_version import ModelVersion
from stackfold.domain.policies.enabled_policy import EnabledPolicy, PolicyFacts
from stackfold.domain.runs.artifact import OwnName
from stackfold.domain.runs.run import Run
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.database.read_model_tables import ReadModelTables
from stackfold.infrastructure.eventstore.event_mapper import EventMapper
from stackfold.infrastructure.eventstore.verification import Verification
from stackfold.infrastructure.system.home import LOG_FILE
from stackfold.infrastructure.workspace import Workspace

ALERTER = ComponentType.ALERTER
RUN = (Run.Started, Run.StepCompleted, Run.Completed, Run.StepAnnotated)
SERVED = UUID("00000000-0000-4000-8000-000000000002")
"""The id of the deployment."""
VERSION = UUID("00000000-0000-4000-8000-000000000003")
"""The id of the version of a model."""
DEPLOYMENT = (
    Deployment.Registered,
    Deployment.Failed,
    Deployment.StartRequested,
    Deployment.Started,
)

POLICY = PolicyFacts(("acme.approval.*",), "Of a package.", "acme", "1.0", "acme:approvals")


def fill(ws: Workspace) -> None:
    """Execute commands of all kinds."""
    ws.flavors.register(ALERTER, "history.own_flavors.Pager")
    ws.components.register(ALERTER, "pager", "pager", {"to": "ops"})
    store(ws, "shared", path="/data/one")
    stack(ws, "prod", artifact_store="shared", description="For real", activate=True)
    ws.components.update(STORE, "shared", {"path": "/data/two"}, why="the first disk is full")
    ws.components.register(OPERATOR, "own", "local")
    ws.stacks.update("prod", step_operator="own", labels={"team": "vision"})
    append(ws, *run())
    ws.artifacts.alias("churn-model", "approved")
    ws.artifacts.save([1], "patients")
    ws.artifacts.annotate("patients", add=["reviewed"])
    append(ws, *version(UUID(ws.models.register("fraud").id)))
    ws.stacks.rename("prod", "live", why="it is")
    stack(ws, "gone")
    ws.stacks.delete("gone")
    ws._services.repository.save(EnabledPolicy.enable("approvals", POLICY))
    ws.schedules.create("nightly", "train.py:train", cron="0 6 * * *", check=False)
    ws.stacks.activate("default")
    append(ws, *deployment())


def run() -> list[Any]:
    """The events of a run that produced an artifact."""
    started, completed, *later = (event for event in EXAMPLES if type(event) in RUN)
    names = {"model": OwnName(name="churn-model", label="spring")}
    changed = {"cached_from": None, "names": names}
    return [started, completed.model_copy(update=changed), *later]


def version(model: UUID) -> list[Any]:
    """The events of a version of a model."""
    examples = {type(event): event for event in EXAMPLES}
    changed = {"model": model, "originator_id": VERSION, "undoes": None}
    return [
        examples[ModelVersion.Opened].model_copy(update=changed),
        examples[ModelVersion.Completed].model_copy(update={"originator_id": VERSION}),
    ]


def deployment() -> list[Any]:
    """The events of a deployment that was started at the second attempt."""
    examples = {type(event): event for event in EXAMPLES}
    return [
        examples[kind].model_copy(update={"originator_id": SERVED, "undoes": None})
        for kind in DEPLOYMENT
    ]


def append(ws: Workspace, *events: Any) -> None:
    """Append events of one stream as they are, but numbered in order."""
    numbered = [
        event.model_copy(update={"originator_version": version})
        for version, event in enumerate(events, start=1)
    ]
    mapper = EventMapper(STACKFOLD_AGGREGATES)
    stored = [mapper.to_stored_event(event) for event in numbered]
    ws._services.event_store.log.insert_events(stored, events=numbered)


def copied(home: Path, to: Path) -> Path:
    """The same home in another folder."""
    shutil.copytree(home, to)
    return to


@contextmanager
def opened_by_force(home: Path) -> Iterator[sqlite3.Connection]:
    """Open the file of the log with SQLite, without the triggers that make it append-only."""
    with closing(sqlite3.connect(home / LOG_FILE, isolation_level=None)) as connection:
        triggers = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        for (name,) in triggers.fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        yield connection


def tamper(home: Path, *statements: str) -> None:
    """Change a log by SQL; each statement must change something."""
    with opened_by_force(home) as connection:
        for statement in statements:
            assert connection.execute(statement).rowcount != 0, f"nothing was changed: {statement}"


def contents(home: Path) -> Any:
    """Every row of the log and of the read models, without opening the workspace."""
    with closing(sqlite3.connect(home / LOG_FILE)) as connection:
        return [*connection.iterdump()], [*connection.execute("PRAGMA user_version")]


def verified(home: Path, known: str | None = None) -> Verification:
    """The result of `verify`; lists must work whatever it finds."""
    with Workspace.open(home) as ws:
        assert ws.stacks.list()
        for type in ComponentType:
            ws.components.list(type)
        assert ws.log.head().position > 1
        return ws.log.verify(known)


def tables(ws: Workspace) -> dict[str, list[Any]]:
    """Every row of the log and of the read models."""
    return {
        table: sorted(ws._database.read(f"SELECT * FROM {table}"), key=repr)
        for table in ("events", *ReadModelTables(STACKFOLD_AGGREGATES).names())
    }


@contextmanager
def rejected(ws: Workspace, error: type[StackfoldError], match: str) -> Iterator[None]:
    """The block must raise an error with a message of one line, and change nothing."""
    before = tables(ws)
    with pytest.raises(error, match=match) as raised:
        yield
    assert "\n" not in str(raised.value)
    assert tables(ws) == before


def changes(entry: HistoryEntry) -> dict[str, tuple[Any, Any]]:
    """Field → before and after."""
    return {change.field: (change.before, change.after) for change in entry.changes}


def state(view: StackView) -> Any:
    """What a revert of a stack brings back."""
    return view.name, view.description, view.labels, view.components


def summaries(entries: Sequence[HistoryEntry]) -> list[str]:
    """Each entry in a few words."""
    return [f"{entry.kind} {entry.name} {entry.action}" for entry in entries]


def as_somebody(ws: Workspace, name: str) -> None:
    """Continue as another author."""
    ws._acting._default = name
