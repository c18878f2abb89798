"""Commands that are killed, interrupted or race while they deploy: the log stays correct."""

import json
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from history.homes import opened_by_force
from plain_deployer import kill, let_go, listening, notes
from replay import assert_consistent
from runnable import single

from stackfold.domain.errors import (
    Busy,
    Conflict,
    DeploymentUnavailable,
    NotFound,
    StackfoldError,
)
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.system.home import LOG_FILE
from stackfold.infrastructure.workspace import Workspace

pytestmark = pytest.mark.slow

DEPLOYER = ComponentType.MODEL_DEPLOYER
MODEL = "alone/only/output"
DEPLOY = (*("deployment", "deploy", "churn", MODEL, "--from-stack", "default", "--stack", "prod"),)


def train() -> dict[str, float]:
    return {"slope": 2.0, "offset": 0.5}


@pytest.fixture
def ws(empty_place, tmp_path, monkeypatch):
    """A model, and stacks that deploy it: at once, or only when the test lets them."""
    home = tmp_path / "folder"
    monkeypatch.setenv("STACKFOLD_HOME", str(home))
    if str(empty_place).startswith("postgresql:"):
        monkeypatch.setenv("STACKFOLD_STORE", str(empty_place))
    with Workspace.open() as ws:
        ws.flavors.register(DEPLOYER, "plain_deployer.PlainDeployer")
        for name, fault in (("prod", ""), ("slow", "waits")):
            ws.components.register(DEPLOYER, name, "plain", {"fault": fault, "patience": 600})
            needed = {"orchestrator": "default", "artifact_store": "default"}
            ws.stacks.register(name, **needed, model_deployer=name)
        ws.runs.start(single(train))
        yield ws
    kill(home)


@pytest.fixture
def command():
    """Starts a command in a new process."""
    started = []

    def command(*words, **more):
        process = subprocess.Popen(
            [sys.executable, "-m", "stackfold", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **more,
        )
        started.append(process)
        return process

    yield command
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def deploying(ws, command):
    """A command that waits for a server, which has begun to listen."""
    process = command(*DEPLOY[:-1], "slow")
    while not notes(ws.home):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    return process


def recorded(ws):
    return [entry.action for entry in reversed(ws.deployments.history("churn"))]


# -- the command ends before it knows the outcome


def test_a_killed_command_leaves_a_true_record(ws, deploying):
    deploying.kill()
    deploying.wait()
    assert recorded(ws) == ["registered"]
    assert [view.status for view in ws.deployments.list()] == ["unfinished"]
    with pytest.raises(DeploymentUnavailable, match="its last start was interrupted: start it"):
        ws.deployments.predict("churn", [[1, 2]])
    assert_consistent(ws)


def test_what_a_killed_command_left_is_started_again(ws, command, deploying):
    (left,) = listening(ws.home)
    deploying.kill()
    deploying.wait()
    again = command("deployment", "start", "churn")
    while listening(ws.home) in ([left], []):
        time.sleep(0.01)
    let_go(ws.home)
    out, _ = again.communicate()
    assert "deployment 'churn' serves alone/only/output@1 on stack 'slow'" in out
    assert ws.deployments.predict("churn", [[1, 2]]) == [3.0]
    assert recorded(ws) == ["registered", "start requested", "started"]
    assert len(listening(ws.home)) == 1, "the server that was left goes on, too"
    assert_consistent(ws)


@pytest.mark.parametrize("verb", ["stop", "delete"])
def test_what_a_killed_command_left_is_ended(ws, deploying, verb):
    deploying.kill()
    deploying.wait()
    assert listening(ws.home)
    getattr(ws.deployments, verb)("churn")
    assert not listening(ws.home)
    assert recorded(ws)[0] == "registered"


# -- the worker finishes what was killed

RESUME = ("reactions", "run", "resume-deployments", "--timeout")


def test_a_worker_finishes_a_start_that_was_killed(ws, command, deploying):
    (left,) = listening(ws.home)
    deploying.kill()
    deploying.wait()
    worker = command(*RESUME, "1")
    while listening(ws.home) in ([left], []):
        assert worker.poll() is None, worker.communicate()
        time.sleep(0.01)
    let_go(ws.home)
    out, _ = worker.communicate()
    assert "deployment.registered handled" in out
    assert ws.deployments.predict("churn", [[1, 2]]) == [3.0]
    assert recorded(ws) == ["registered", "started"]
    assert len(listening(ws.home)) == 1, "the server that was left goes on, too"
    assert ws.deployments.history("churn")[0].why.startswith("Resumed")
    assert_consistent(ws)


def test_a_worker_that_is_killed_while_it_finishes_a_start_is_followed_by_another(
    ws, command, deploying
):
    (left,) = listening(ws.home)
    deploying.kill()
    deploying.wait()
    for kill_it in (True, False):
        worker = command(*RESUME, "1")
        while listening(ws.home) in ([left], []):
            assert worker.poll() is None, worker.communicate()
            time.sleep(0.01)
        assert recorded(ws) == ["registered"]
        if kill_it:
            (left,) = listening(ws.home)
            worker.kill()
            worker.wait()
    let_go(ws.home)
    worker.communicate()
    assert recorded(ws) == ["registered", "started"]
    assert len(listening(ws.home)) == 1
    assert_consistent(ws)


def test_a_worker_leaves_a_start_to_the_command_that_is_alive(ws, command, deploying):
    command(*RESUME, "1").communicate()
    assert recorded(ws) == ["registered"]
    (view,) = ws.reactions.list()
    assert (view.retrying, view.parked) == (1, 0)
    let_go(ws.home)
    assert deploying.wait() == 0
    command(*RESUME, "3").communicate()
    assert recorded(ws) == ["registered", "started"]
    (view,) = ws.reactions.list()
    assert (view.retrying, view.parked, view.lag) == (0, 0, 0)


def test_a_worker_starts_nothing_that_was_stopped_failed_or_deleted(ws, command):
    ws.deployments.deploy("churn", MODEL, "prod", from_stack="default")
    ws.deployments.stop("churn")
    ws.deployments.deploy("gone", MODEL, "prod", from_stack="default")
    ws.deployments.delete("gone")
    command(*RESUME, "0").communicate()
    assert recorded(ws) == ["registered", "started", "stopped"]
    assert not listening(ws.home)
    (view,) = ws.reactions.list()
    assert (view.retrying, view.parked, view.lag) == (0, 0, 0)


def test_an_interrupted_command_leaves_no_server(ws, deploying):
    deploying.send_signal(signal.SIGINT)
    assert deploying.wait() == 130
    assert not listening(ws.home)
    told = ws.deployments.describe("churn")
    assert (told.status, told.problem) == ("failed", "it was interrupted (KeyboardInterrupt)")
    assert recorded(ws) == ["registered", "failed"]
    assert_consistent(ws)


# -- while a command is running


def test_a_starting_deployment_belongs_to_its_command(ws, deploying):
    assert ws.deployments.get("churn").status == "starting"
    for refused in (ws.deployments.start, ws.deployments.stop, ws.deployments.delete):
        with pytest.raises(Busy, match="another command is using deployment"):
            refused("churn")
    with pytest.raises(DeploymentUnavailable, match="it is being started: wait until it is ready"):
        ws.deployments.predict("churn", [[1, 2]])
    let_go(ws.home)
    assert deploying.wait() == 0
    assert ws.deployments.get("churn").status == "ready"
    assert recorded(ws) == ["registered", "started"]


# -- races


def test_of_several_processes_that_deploy_under_one_name_one_wins(ws, command):
    processes = [command(*DEPLOY) for _ in range(4)]
    answers = [process.communicate() for process in processes]
    assert sorted(process.returncode for process in processes) == [0, 1, 1, 1]
    refusals = {err for _, err in answers if err}
    assert refusals == {"error: a deployment named 'churn' exists already: choose another name\n"}
    assert len(listening(ws.home)) == 1
    assert recorded(ws) == ["registered", "started"]
    assert ws.deployments.predict("churn", [[1, 2]]) == [3.0]
    assert_consistent(ws)


def test_racing_commands_succeed_or_fail_and_the_record_is_true(ws):
    def work(verbs):
        with Workspace.open() as mine:
            return [done_or_refused(mine, verb) for verb in verbs]

    ws.deployments.deploy("churn", MODEL, "prod", from_stack="default")
    # Each begins with a stop: the first command that is not refused as busy stops the server.
    orders = [("stop", "start") * 3, ("stop", "start", "start"), ("stop", "stop", "start", "start")]
    with ThreadPoolExecutor(4) as threads:
        outcomes = [*threads.map(work, orders)]
    assert any("done" in each for each in outcomes)
    assert ws.deployments.get("churn").status == ("ready" if listening(ws.home) else "stopped")
    with ThreadPoolExecutor(4) as threads:
        outcomes = [*threads.map(work, [*orders, ("delete", "delete", "delete", "delete")])]
    if "done" in outcomes[-1]:
        assert not listening(ws.home)
        assert ws.deployments.list() == []
    assert_consistent(ws)


def done_or_refused(ws, verb):
    try:
        getattr(ws.deployments, verb)("churn")
    except (Busy, Conflict, NotFound) as refusal:
        return type(refusal).__name__
    return "done"


# -- the log cannot be written


def test_a_server_that_cannot_be_recorded_is_not_left_running(ws):
    if ws._database.shared:
        pytest.skip("the trigger that refuses is one of SQLite")
    with opened_by_force(ws.home) as connection:
        connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON events WHEN NEW.topic = 'deployment.started' "
            "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
        )
    with pytest.raises(StackfoldError):
        ws.deployments.deploy("churn", MODEL, "prod", from_stack="default")
    assert not listening(ws.home)
    assert ws.deployments.get("churn").status == "failed"
    with opened_by_force(ws.home):
        pass  # which drops the trigger
    assert ws.deployments.start("churn").status == "ready"


# -- secrets


PLANTED = "pl4nted/s3cret+value"


@pytest.mark.parametrize("fault", ["", "raises"])
def test_no_secret_of_a_deployer_is_recorded_or_shown(ws, command, monkeypatch, fault):
    monkeypatch.setenv("STACKFOLD_SECRET_STORE", "file")
    ws.secrets.create("plain", {"password": PLANTED})
    configuration = {"fault": fault, "password": "{{plain.password}}"}
    ws.components.update(DEPLOYER, "prod", configuration)
    shown = command(*DEPLOY).communicate()
    if not fault:
        shown += command("deployment", "predict", "churn", "[[1, 2]]").communicate()
        assert "[3.0]\n" in shown
        shown += command("deployment", "stop", "churn").communicate()
    for words in (("describe", "churn", "--output", "json"), ("history", "churn"), ("list",)):
        shown += command("deployment", *words).communicate()
    shown += command("log", "list", "--output", "json").communicate()
    assert "{{plain.password}}" in "".join(shown)
    assert PLANTED not in "".join(shown)
    assert PLANTED not in json.dumps([event.data for event in ws.log.events()])
    rows = ws._database.read("SELECT * FROM deployments")
    assert PLANTED not in repr(rows)
    if not ws._database.shared:
        for file in ws.home.glob(f"{LOG_FILE}*"):
            assert PLANTED.encode() not in file.read_bytes()


def test_a_missing_secret_is_reported_before_anything_is_recorded(ws, command):
    ws.components.update(DEPLOYER, "prod", {"password": "{{nowhere.password}}"})
    before = ws.log.head()
    _, told = command(*DEPLOY).communicate()
    assert "nowhere" in told
    assert "model deployer 'prod'" in told
    assert told.count("\n") == 1
    assert ws.log.head() == before
