"""Runs on the orchestrator `kubeflow`, by a server with its API.

No Kubeflow exists here: what is submitted is executed by `kfp.local` instead. See `kfp_api_server`.
"""

import os
import signal
import threading
import time
from contextlib import suppress

import kubeflow_pipelines
import pytest
from kfp_api_server import KfpApiServer
from workspaces import ORCHESTRATOR

from stackfold.domain.errors import RunBusy, RunDetached, RunFailed
from stackfold.domain.pipelines.run_configuration import RunConfiguration
from stackfold.infrastructure.flavors.kubeflow import api as kubeflow_api
from stackfold.infrastructure.flavors.kubeflow import orchestrator as kubeflow_orchestrator
from stackfold.infrastructure.workspace import Workspace


@pytest.fixture
def kubeflow(kfp, tmp_path):
    with KfpApiServer(tmp_path) as server:
        yield server


@pytest.fixture
def ws(tmp_path):
    with Workspace.open(tmp_path / "home") as workspace:
        yield workspace


@pytest.fixture
def on_kubeflow(ws, kubeflow):
    """A function that makes a stack `kubeflow` with these settings."""

    def registered(**settings):
        ws.components.register(
            ORCHESTRATOR,
            "kf",
            "kubeflow",
            {"kubeflow_hostname": kubeflow.url, "poll_interval": 0.2, **settings},
        )
        ws.stacks.register("kubeflow", orchestrator="kf", artifact_store="default")
        return ws

    return registered


def statuses(ws, run):
    return {each.name: each.status for each in ws.runs.steps(run)}


def until(condition, seconds=120):
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)


# -- what comes of a run


def test_each_step_is_executed_in_a_process_that_kubeflow_starts(on_kubeflow, kubeflow):
    ws = on_kubeflow()
    run = ws.runs.start(kubeflow_pipelines.training, stack="kubeflow")
    assert run.status == "completed"
    assert set(statuses(ws, run.id).values()) == {"completed"}
    assert ws.runs.load(run.id, "total") == 2.0
    assert ws.runs.load(run.id, "where") != os.getpid()
    assert "loading 4" in "".join(ws.runs.logs(run.id, "load"))


def test_a_run_records_its_id_on_kubeflow(on_kubeflow, kubeflow):
    ws = on_kubeflow()
    run = ws.runs.start(kubeflow_pipelines.training, stack="kubeflow")
    (submitted,) = kubeflow.runs.values()
    assert submitted["display_name"] == run.name
    assert ws.runs.describe(run.id).submitted == {
        "orchestrator": "kf",
        "reference": submitted["run_id"],
        "url": f"{kubeflow.url}/#/runs/details/{submitted['run_id']}",
    }


def test_the_record_equals_that_of_the_local_orchestrator(on_kubeflow):
    ws = on_kubeflow()
    there = ws.runs.start(kubeflow_pipelines.training, {"rows": 3}, stack="kubeflow")
    here = ws.runs.start(
        kubeflow_pipelines.training,
        {"rows": 3},
        configuration=RunConfiguration(enable_cache=False),
        stack="default",
    )
    assert record(ws, there.id) == record(ws, here.id)


def record(ws, run):
    return [
        (step.name, step.status, step.upstream, step.parameters, step.key, sorted(step.inputs),
         [(each.name, each.digest, each.type, each.materializer) for each in step.outputs
          if step.name != "where"])
        for step in ws.runs.steps(run)
    ]  # fmt: skip


def test_a_second_run_takes_from_the_cache_what_the_first_one_made(on_kubeflow):
    ws = on_kubeflow()
    ws.runs.start(kubeflow_pipelines.training, stack="kubeflow")
    again = ws.runs.start(kubeflow_pipelines.training, stack="kubeflow")
    assert statuses(ws, again.id)["total"] == "cached"
    assert statuses(ws, again.id)["where"] == "completed"


def test_a_step_that_fails_remotely_fails_the_run_with_its_error(on_kubeflow):
    ws = on_kubeflow()
    with pytest.raises(RunFailed, match="failed in step 'fail': ValueError: of the step") as caught:
        ws.runs.start(kubeflow_pipelines.failing, stack="kubeflow")
    assert 'raise ValueError("of the step")' in caught.value.traceback
    run = ws.runs.list()[0]
    assert run.status == "failed"
    steps = {each.name: each for each in ws.runs.steps(run.id)}
    assert steps["fail"].retried == ["ValueError: of the step"]
    assert steps["total"].status == "skipped"
    assert "".join(ws.runs.logs(run.id, "fail")).count("about to fail") == 2


def test_resuming_a_failed_run_executes_the_remaining_steps(
    on_kubeflow, kubeflow, monkeypatch, tmp_path
):
    ws = on_kubeflow(environment={"MENDED": str(tmp_path / "mended")})
    with pytest.raises(RunFailed):
        ws.runs.start(kubeflow_pipelines.mendable, stack="kubeflow")
    (tmp_path / "mended").touch()
    run = ws.runs.list()[0].id
    assert ws.runs.resume(run, kubeflow_pipelines.mendable).status == "completed"
    *_, latest = kubeflow.runs.values()
    assert "executing load" not in kubeflow.log_of(latest["run_id"])
    assert [*statuses(ws, run).values()] == ["completed"] * 3


# -- ended, left alone, lost


def test_ctrl_c_terminates_the_run_on_kubeflow(on_kubeflow, kubeflow, tmp_path):
    ws = on_kubeflow()
    interrupt_once((tmp_path / "pid").exists)
    with pytest.raises(KeyboardInterrupt):
        ws.runs.start(kubeflow_pipelines.hanging, {"folder": str(tmp_path)}, stack="kubeflow")
    (submitted,) = kubeflow.runs.values()
    assert submitted["state"] == "CANCELED"
    run = ws.runs.list()[0]
    assert (run.status, statuses(ws, run.id)) == ("cancelled", {"hang": "cancelled"})
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def interrupt_once(condition):
    main = threading.get_ident()

    def interrupt():
        until(condition)
        signal.pthread_kill(main, signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()


def test_it_can_be_terminated_on_kubeflow(on_kubeflow, kubeflow, tmp_path):
    ws = on_kubeflow()

    def terminate():
        until((tmp_path / "pid").exists)
        kubeflow._terminate(next(iter(kubeflow.runs)))

    threading.Thread(target=terminate, daemon=True).start()
    with pytest.raises(RunFailed, match=r"Kubeflow at .* ended the run as CANCELED"):
        ws.runs.start(kubeflow_pipelines.hanging, {"folder": str(tmp_path)}, stack="kubeflow")
    assert statuses(ws, ws.runs.list()[0].id) == {"hang": "cancelled"}


def test_without_waiting_the_run_ends_by_itself(on_kubeflow):
    ws = on_kubeflow(synchronous=False)
    run = ws.runs.start(kubeflow_pipelines.training, stack="kubeflow")
    assert run.status == "running"
    until(lambda: ws.runs.get(run.id).status != "running")
    assert ws.runs.get(run.id).status == "completed"


def test_without_waiting_a_failure_is_recorded_all_the_same(on_kubeflow):
    ws = on_kubeflow(synchronous=False)
    run = ws.runs.start(kubeflow_pipelines.failing, stack="kubeflow")
    until(lambda: ws.runs.get(run.id).status != "running")
    described = ws.runs.describe(run.id)
    assert (described.status, described.error) == ("failed", "ValueError: of the step")
    assert statuses(ws, run.id)["total"] == "skipped"


def test_after_its_timeout_a_run_continues_detached(on_kubeflow, tmp_path):
    ws = on_kubeflow(timeout=2)
    with pytest.raises(RunDetached, match="its timeout of 2 seconds is over"):
        ws.runs.start(kubeflow_pipelines.hanging, {"folder": str(tmp_path)}, stack="kubeflow")
    run = ws.runs.list()[0].id
    assert ws.runs.get(run).status == "running"
    with pytest.raises(RunBusy):
        ws.runs.resume(run, kubeflow_pipelines.hanging)


def test_a_run_whose_processes_vanished_can_be_resumed(on_kubeflow, kubeflow):
    kubeflow.executes = False
    ws = on_kubeflow(synchronous=False)
    run = ws.runs.start(kubeflow_pipelines.training, stack="kubeflow").id
    kubeflow.executes = True
    assert ws.runs.get(run).status == "running"
    for lost in kubeflow.runs.values():
        lost["state"] = "FAILED"
    ws.runs.resume(run, kubeflow_pipelines.training)
    until(lambda: ws.runs.get(run).status == "completed")


# -- an API that is not as one would wish


def test_an_unresponsive_api_is_one_line(on_kubeflow, kubeflow):
    ws = on_kubeflow(kubeflow_hostname="http://127.0.0.1:9")
    with pytest.raises(RunFailed) as caught:
        ws.runs.start(kubeflow_pipelines.training, stack="kubeflow")
    assert str(caught.value).endswith(
        "Kubeflow at http://127.0.0.1:9 cannot be used: it does not answer: Connection refused"
    )
    assert ws.runs.list()[0].status == "failed"


def test_a_rejected_submission_is_one_line(on_kubeflow, kubeflow):
    kubeflow.refuse["POST runs"] = (403, "not in this\nnamespace")
    ws = on_kubeflow()
    with pytest.raises(RunFailed, match=r"cannot be used: 403 not in this namespace$"):
        ws.runs.start(kubeflow_pipelines.training, stack="kubeflow")
    assert set(statuses(ws, ws.runs.list()[0].id).values()) == {"skipped"}


def test_requests_are_repeated_while_the_api_fails(on_kubeflow, kubeflow):
    ws = on_kubeflow()

    def fail_for_a_while():
        until(lambda: kubeflow.runs)
        kubeflow.refuse["GET runs/"] = (503, "try later")
        time.sleep(2)
        kubeflow.refuse.clear()

    threading.Thread(target=fail_for_a_while, daemon=True).start()
    assert ws.runs.start(kubeflow_pipelines.training, stack="kubeflow").status == "completed"


def test_a_run_continues_when_the_api_stays_unavailable(
    on_kubeflow, kubeflow, monkeypatch, tmp_path
):
    monkeypatch.setattr(kubeflow_orchestrator, "_MAX_OUTAGE", 1.0)
    kubeflow.refuse["GET runs/"] = (503, "try later")
    ws = on_kubeflow()
    with pytest.raises(RunDetached, match="is no longer waited for: 503 try later"):
        ws.runs.start(kubeflow_pipelines.waiting, {"folder": str(tmp_path)}, stack="kubeflow")
    (tmp_path / "go").touch()
    run = ws.runs.list()[0].id
    until(lambda: ws.runs.get(run).status == "completed")


def test_a_run_that_ends_without_the_api_ends_in_the_log(on_kubeflow, kubeflow, monkeypatch):
    monkeypatch.setattr(kubeflow_orchestrator, "_MAX_OUTAGE", 15.0)
    kubeflow.refuse["GET runs/"] = (503, "try later")
    ws = on_kubeflow()
    with suppress(RunDetached):  # unless it is quicker than that, as it should be
        ws.runs.start(kubeflow_pipelines.training, stack="kubeflow")
    run = ws.runs.list()[0].id
    until(lambda: ws.runs.get(run).status == "completed")


def test_an_api_that_accepts_and_never_answers_is_not_waited_for(
    on_kubeflow, kubeflow, monkeypatch
):
    monkeypatch.setattr(kubeflow_api, "_CONNECT_TIMEOUT", 0.5)
    kubeflow.silent = ["GET healthz"]
    ws = on_kubeflow()
    with pytest.raises(RunFailed, match="cannot be used: it does not answer: timed out"):
        ws.runs.start(kubeflow_pipelines.training, stack="kubeflow")
    assert ws.runs.list()[0].status == "failed"


def test_a_run_continues_when_the_api_stops_responding(
    on_kubeflow, kubeflow, monkeypatch, tmp_path
):
    monkeypatch.setattr(kubeflow_orchestrator, "_MAX_OUTAGE", 1.0)
    monkeypatch.setattr(kubeflow_api, "_RESPONSE_TIMEOUT", 5)
    kubeflow.silent = ["GET runs/"]
    ws = on_kubeflow()
    with pytest.raises(RunDetached, match=r"is no longer waited for: .*timed out"):
        ws.runs.start(kubeflow_pipelines.waiting, {"folder": str(tmp_path)}, stack="kubeflow")
    (tmp_path / "go").touch()
    run = ws.runs.list()[0].id
    until(lambda: ws.runs.get(run).status == "completed")


# -- authentication


@pytest.fixture
def guarded(kfp, tmp_path):
    with KfpApiServer(tmp_path, login="login=ada&password=enigma") as server:
        yield server


@pytest.mark.parametrize(("password", "gets_in"), [("enigma", True), ("wrong", False)])
def test_one_logs_in_by_name_and_password(ws, guarded, password, gets_in):
    ws.secrets.create("kubeflow", {"user": "ada", "password": password})
    ws.components.register(
        ORCHESTRATOR,
        "kf",
        "kubeflow",
        {
            "kubeflow_hostname": guarded.url,
            "client_username": "{{kubeflow.user}}",
            "client_password": "{{kubeflow.password}}",
            "poll_interval": 0.2,
        },
    )
    ws.stacks.register("kubeflow", orchestrator="kf", artifact_store="default")
    if gets_in:
        assert ws.runs.start(kubeflow_pipelines.training, stack="kubeflow").status == "completed"
        return
    with pytest.raises(RunFailed, match="logging in failed: it gave no session") as caught:
        ws.runs.start(kubeflow_pipelines.training, stack="kubeflow")
    assert password not in str(caught.value)


def test_an_invalid_token_is_one_line(ws, guarded):
    ws.secrets.create("kubeflow", {"token": "planted-wrong-one"})
    token = {"existing_token": "{{kubeflow.token}}"}
    where = {"kubeflow_hostname": guarded.url, "client_args": token}
    ws.components.register(ORCHESTRATOR, "kf", "kubeflow", where)
    ws.stacks.register("kubeflow", orchestrator="kf", artifact_store="default")
    with pytest.raises(RunFailed, match=r"cannot be used: 401 log in first$") as caught:
        ws.runs.start(kubeflow_pipelines.training, stack="kubeflow")
    assert "planted-wrong-one" not in str(caught.value) + caught.value.traceback
    assert ws.runs.list()[0].status == "failed"


def test_the_log_must_be_one_that_the_processes_can_open(kubeflow):
    with Workspace.in_memory() as ws:
        ws.components.register(ORCHESTRATOR, "kf", "kubeflow", {"kubeflow_hostname": kubeflow.url})
        ws.stacks.register("kubeflow", orchestrator="kf", artifact_store="default")
        with pytest.raises(RunFailed, match="but this log is in memory"):
            ws.runs.start(kubeflow_pipelines.training, stack="kubeflow")


# -- checking the connection


def test_an_api_that_can_be_used_passes_the_check(on_kubeflow, kubeflow):
    ws = on_kubeflow()
    assert list(ws.stacks.check("kubeflow")) == []
    assert kubeflow.requests == []
    assert list(ws.stacks.check("kubeflow", connect=True)) == []
    assert "GET experiments" in kubeflow.requests


def test_the_check_reports_a_denied_request(on_kubeflow, kubeflow):
    kubeflow.refuse["GET experiments"] = 403, "not allowed"
    (found,) = on_kubeflow().stacks.check("kubeflow", connect=True)
    assert "403 not allowed" in found.problem


def test_the_check_reports_an_unavailable_api(on_kubeflow, kfp):
    ws = on_kubeflow(kubeflow_hostname="http://127.0.0.1:1")
    (found,) = ws.stacks.check("kubeflow", connect=True)
    assert "it does not answer" in found.problem


def test_the_check_reports_a_log_that_pods_cannot_reach(on_kubeflow):
    store = "postgresql://nobody@127.0.0.1:1/none"
    ws = on_kubeflow(environment={"STACKFOLD_STORE": store})
    (found,) = ws.stacks.check("kubeflow", connect=True)
    assert "127.0.0.1:1" in found.problem
