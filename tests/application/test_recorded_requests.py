"""Recorded requests are moved to the artifact store, read back, saved, compared and deleted."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from typing import ClassVar

import httpx
import pytest
from models_to_serve import training

from stackfold import Workspace, flavors, pipeline
from stackfold.domain.errors import (
    CannotRecord,
    InvalidAsOf,
    InvalidRecording,
    NoComponent,
    NothingToChange,
    RunFailed,
    ValidationFailed,
)
from stackfold.domain.validation.validation_report import Check, ValidationReport
from stackfold.steps import check_drift

pytestmark = pytest.mark.slow

ROW = [5.1, 3.5, 1.4, 0.2]
NAMES = ["sepal_length", "sepal_width", "petal_length", "petal_width"]


class Means(flavors.DataValidator):
    """Compares the means of columns."""

    flavor = "means"

    class Configuration(flavors.Configuration):
        pass

    seen: ClassVar[list] = []

    def compare(self, data, reference, *, target="", prediction="", columns=()):
        self.seen.append((data, target, prediction, list(columns)))
        checks = []
        for name in columns or [each for each in data if each in reference]:
            here, there = (sum(of[name]) / len(of[name]) for of in (data, reference))
            drifted = abs(here - there) > 1
            checks.append(Check("mean", name, not drifted, here, problem="moved" * drifted))
        return ValidationReport.of("compare", checks, tool="means")


class Pager(flavors.Alerter):
    """Keeps what it is to send."""

    flavor = "pager"

    class Configuration(flavors.Configuration):
        pass

    sent: ClassVar[list] = []

    def send(self, alert):
        self.sent.append(alert)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home with a served model."""
    home = tmp_path_factory.mktemp("home")
    with Workspace.open(home) as ws:
        ws.components.register("model_deployer", "here", "local")
        ws.flavors.register("data_validator", f"{__name__}.Means")
        ws.flavors.register("alerter", f"{__name__}.Pager")
        ws.components.register("data_validator", "means", "means")
        ws.components.register("alerter", "pager", "pager")
        needed = {"orchestrator": "default", "artifact_store": "default"}
        watched = {"data_validator": "means", "alerter": "pager"}
        ws.stacks.register("watched", **needed, **watched)
        ws.stacks.register("prod", **needed, model_deployer="here")
        ws.stacks.activate("prod")
        ws.runs.start(training)
        ws.deployments.deploy("served", "training/train")
    yield home
    with Workspace.open(home) as ws:
        for view in ws.deployments.list():
            ws.deployments.delete(view.id)


@pytest.fixture
def ws(home):
    with Workspace.open(home) as ws:
        yield ws


@pytest.fixture
def flowers(ws):
    """A deployment of its own, recorded, as a function that asks."""
    url = ws.deployments.deploy("flowers", "training/train").url
    ws.deployments.record("flowers")

    def ask(rows):
        return httpx.post(url, json=rows).json()

    yield ask
    if any(each.name == "flowers" for each in ws.deployments.list(contact=False)):
        ws.deployments.delete("flowers")


def stored(home):
    return {each for each in (home / "artifacts").rglob("*") if each.is_file()}


def test_requests_are_read_back_with_predictions_from_the_store(ws, home, flowers):
    before = stored(home)
    assert flowers([ROW, ROW]) == [0, 0]
    flowers([[1.0]])
    assert ws.deployments.predict("flowers", [ROW]) == [0]  # a request as any other
    last, failed, first = ws.deployments.requests("flowers")
    assert (first.status, first.model, len(first.rows)) == (200, "training/train/output@1", 2)
    assert first.rows[0] == {**{f"input_{n}": x for n, x in enumerate(ROW)}, "prediction": 0}
    assert (failed.status, failed.rows) == (400, [{"input_0": 1.0}])
    assert last.rows == first.rows[:1]
    assert first.at < last.at
    assert ws.deployments.requests("flowers", limit=1) == [last]
    assert ws.deployments.requests("flowers", since="1h", limit=1) == [last]
    assert len(stored(home) - before) == 1
    assert not [*(home / "requests").rglob("*.jsonl")]
    with pytest.raises(InvalidAsOf):
        ws.deployments.requests("flowers", since="#3")


def test_they_are_saved_as_a_table(ws, flowers):
    flowers([ROW])
    flowers([[1.0]])  # was not answered, so it is no row
    saved = ws.deployments.save_requests("flowers", "asked", why="to look at them")
    frame = ws.artifacts.load(saved.reference)
    assert [*frame.columns] == ["at", "model", *(f"input_{n}" for n in range(4)), "prediction"]
    assert frame.iloc[0, 2:].tolist() == [*ROW, 0]
    assert ws.artifacts.describe(saved.reference).metadata["deployment"] == "flowers"


def test_pruning_leaves_them_and_deleting_the_deployment_does_not(ws, home, flowers):
    flowers([ROW])
    (request,) = ws.deployments.requests("flowers")
    before = stored(home)
    ws.artifacts.prune(grace=timedelta(0))
    assert ws.deployments.requests("flowers") == [request]
    flowers([ROW])  # which still waits on this machine
    ws.deployments.delete("flowers")
    assert len(before - stored(home)) == 1
    assert not [*(home / "requests").rglob("*.jsonl")]
    assert ws._services.stored_requests.deployments() == []


def test_they_are_deleted_when_they_are_too_old(ws, home, flowers):
    flowers([ROW])
    ws.deployments.collect("flowers")
    id = ws.deployments.find("flowers").id
    table = ws._services.stored_requests
    (batch,) = table.of(id)
    table.remove(id, batch.name)
    day = 86_400_000
    table.add(id, batch._replace(first=batch.first - 8 * day, last=batch.last - 8 * day))
    assert ws.deployments.collect("flowers")[0].deleted == 0
    ws.deployments.record("flowers", keep_days=7)
    assert ws.deployments.collect() == [("flowers", 0, 1, "")]
    assert ws.deployments.requests("flowers") == []


def test_what_was_recorded_before_is_kept_as_long_when_recording_ends(ws, flowers):
    flowers([ROW])
    ws.deployments.stop_recording("flowers", why="enough")
    flowers([ROW])
    assert len(ws.deployments.requests("flowers")) == 1
    assert ws.deployments.describe("flowers").recording == ""
    with pytest.raises(NothingToChange):
        ws.deployments.stop_recording("flowers")


def test_it_is_recorded_after_a_restart_and_an_update(ws, flowers):
    ws.deployments.stop("flowers")
    url = ws.deployments.start("flowers").url
    httpx.post(url, json=[ROW])
    ws.runs.start(training)
    ws.deployments.update("flowers", "training/train")
    httpx.post(url, json=[ROW])
    models = [each.model[-1] for each in ws.deployments.requests("flowers")]
    assert len(set(models)) == len(models) == 2
    described = ws.deployments.describe("flowers")
    assert described.recording == "100% of requests, for 30 days"


def test_a_drift_is_found_by_the_validator_and_posted_by_the_alerter(ws, flowers):
    Pager.sent.clear()
    ws.artifacts.save({name: [ROW[n]] for n, name in enumerate(NAMES)} | {"kind": [0]}, "data")
    flowers([ROW])
    found = ws.deployments.drift("flowers", "data", target="kind", stack="watched")
    assert (found.drifted, found.rows, found.alerted) == (False, 1, False)
    # Rows without names have the columns of the data set, in its order.
    assert [*Means.seen[-1][0]] == [*NAMES, "prediction"]
    assert Means.seen[-1][1:] == ("", "", [])  # the requests have no true values
    assert not Pager.sent

    flowers([[9.0, 3.5, 1.4, 0.2]])
    found = ws.deployments.drift("flowers", "data@1", target="kind", stack="watched")
    assert (found.drifted, found.alerted) == (True, True)
    assert [each.column for each in found.report.failures] == ["sepal_length"]
    (alert,) = Pager.sent
    assert "flowers" in alert.title
    assert "sepal_length" in alert.text

    with pytest.raises(NoComponent, match="no data validator"):
        ws.deployments.drift("flowers", "data")


def test_a_step_checks_the_drift_with_the_components_of_its_stack(ws, flowers):
    Pager.sent.clear()
    table = {name: [ROW[n]] for n, name in enumerate(NAMES)}
    ws.artifacts.save(table, "checked", stack="watched")

    @pipeline
    def watching(on_failure: str = "warn"):
        check_drift("flowers", "checked", since="1d", on_failure=on_failure, name="moved")

    with pytest.raises(RunFailed, match="none was recorded in that time"):
        ws.runs.start(watching, stack="watched")
    flowers([[9.0, 3.5, 1.4, 0.2]])
    run = ws.runs.start(watching, stack="watched")
    report = ws.artifacts.load("moved")
    assert [each.column for each in report.failures] == ["sepal_length"]
    (step,) = ws.runs.describe(run.id).steps
    assert step.metadata["alerted"] is True
    assert len(Pager.sent) == 1
    with pytest.raises(RunFailed) as caught:
        ws.runs.start(watching, {"on_failure": "fail"}, stack="watched")
    assert isinstance(caught.value.__cause__, ValidationFailed)


def test_what_cannot_be_recorded_is_one_line(ws):
    for wrong in ({"rate": 0.0}, {"rate": 1.5}, {"keep_days": 0}, {"leave_out": [""]}):
        with pytest.raises(InvalidRecording):
            ws.deployments.record("served", **wrong)
    with pytest.raises(CannotRecord, match="none was recorded in that time: record them first"):
        ws.deployments.save_requests("served", "none")
    with pytest.raises(CannotRecord):
        ws.deployments.drift("served", "training/train", stack="watched")


def test_by_the_command_line(ws, home, flowers):
    def stackfold(*words, code=0):
        done = subprocess.run(
            [sys.executable, "-m", "stackfold", "deployment", *words],
            env={**os.environ, "STACKFOLD_HOME": str(home)},
            cwd=home,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done
        return done.stdout

    flowers([ROW])
    said = stackfold("record", "flowers", "--rate", "0.5", "--leave-out", "input_3")
    assert "records 50% of requests, without input_3, for 30 days, revision " in said
    (request,) = json.loads(stackfold("requests", "flowers", "--output", "json"))
    assert request["rows"][0]["prediction"] == 0
    assert "saved as looked@1" in stackfold("requests", "flowers", "--save", "looked")
    assert stackfold("record", "flowers", "--off").startswith("deployment 'flowers' records no")
