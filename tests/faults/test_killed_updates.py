"""Updates that are killed at each point: the record stays true, and `start` repairs."""

import json
import subprocess
import sys
from urllib.request import Request, urlopen

import pytest
from plain_deployer import gateways, kill, listening
from replay import assert_consistent

from stackfold.domain.errors import Conflict
from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.workspace import Workspace

pytestmark = pytest.mark.slow

DEPLOYER = ComponentType.MODEL_DEPLOYER
KILLED = """
import os, signal, sys
from stackfold import Workspace
from stackfold.application.deployments.serving import Serving
from stackfold.infrastructure.gateway.gateways import ProcessGateways

def dies(kind, name, after, call=1):
    method, calls = getattr(kind, name), []
    def killed(*given):
        calls.append(given)
        if len(calls) < call:
            return method(*given)
        if after:
            method(*given)
        os.kill(os.getpid(), signal.SIGKILL)
    setattr(kind, name, killed)

point = sys.argv[1]
with Workspace.open() as ws:
    deployer = ws.flavors.implementation("model_deployer", "plain")
    if point == "requested":
        dies(Serving, "_updated", after=False)
    elif point == "starting":
        dies(deployer, "is_ready", after=False)
    elif point == "started":
        dies(ProcessGateways, "route", after=False, call=2)
    elif point == "routed":
        dies(ProcessGateways, "route", after=True, call=2)
    elif point == "switched":
        dies(Serving, "retire", after=False, call=2)
    ws.deployments.update("churn", "fraud@2", why="better")
"""


@step
def train(slope: float) -> dict[str, float]:
    return {"slope": slope}


def training(slope: float = 1.0):
    train(slope)


@pytest.fixture
def ws(empty_place, tmp_path, monkeypatch):
    """A deployment of the first of two versions."""
    home = tmp_path / "folder"
    monkeypatch.setenv("STACKFOLD_HOME", str(home))
    if str(empty_place).startswith("postgresql:"):
        monkeypatch.setenv("STACKFOLD_STORE", str(empty_place))
    with Workspace.open() as ws:
        ws.flavors.register(DEPLOYER, "plain_deployer.PlainDeployer")
        ws.components.register(DEPLOYER, "plain", "plain")
        needed = {"orchestrator": "default", "artifact_store": "default"}
        ws.stacks.register("prod", **needed, model_deployer="plain", activate=True)
        for slope in (1.0, 2.0):
            ws.runs.start(Pipeline(training, model="fraud"), {"slope": slope})
        ws.deployments.deploy("churn", "fraud@1")
        yield ws
    kill(home)


def update(point):
    """Run a command that is killed at a point of its update."""
    command = [sys.executable, "-c", KILLED, point]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == -9, done.stderr


def asked(ws):
    tensor = {"name": "x", "datatype": "FP64", "shape": [1, 1], "data": [10.0]}
    body = json.dumps({"inputs": [tensor]}).encode()
    url = ws.deployments.list(contact=False)[0].url
    with urlopen(Request(url, body), timeout=30) as answer:
        return json.load(answer)["outputs"][0]["data"][0]


def recorded(ws):
    return [entry.action for entry in reversed(ws.deployments.history("churn"))]


@pytest.mark.parametrize("point", ["requested", "starting", "started", "routed"])
def test_before_the_switch_is_recorded_start_finishes_the_update(ws, point):
    update(point)
    assert recorded(ws) == ["registered", "started", "update requested"]
    found = ws.deployments.describe("churn")
    assert (found.version, found.update) == ("fraud@1", {"fraud@2": 100})
    assert found.problem == "its last update was interrupted: start it"
    assert asked(ws) == (20.0 if point == "routed" else 10.0)
    with pytest.raises(Conflict, match="an update of the deployment 'churn' was interrupted"):
        ws.deployments.update("churn", "fraud@2")
    assert [each.name for each in ws.deployments.down()] == ["churn"]
    view = ws.deployments.start("churn")
    assert (view.version, asked(ws)) == ("fraud@2", 20.0)
    assert recorded(ws)[2:] == ["update requested", "switched"]
    assert len(listening(ws.home)) == 1
    assert_consistent(ws)


def test_after_the_switch_was_recorded_the_next_command_ends_the_former_server(ws):
    update("switched")
    assert recorded(ws)[2:] == ["update requested", "switched"]
    assert asked(ws) == 20.0
    assert len(listening(ws.home)) == 2
    with pytest.raises(Conflict, match="is served already"):
        ws.deployments.start("churn")
    assert len(listening(ws.home)) == 1
    assert ws.deployments.rollback("churn").version == "fraud@1"
    assert_consistent(ws)


@pytest.mark.parametrize("point", ["starting", "routed", "switched"])
def test_a_worker_finishes_it_as_well(ws, point):
    from stackfold.infrastructure.reactions.installed import installed_reactions

    update(point)
    ws.reactions.run(installed_reactions(["resume-deployments"]), timeout=0)
    assert asked(ws) == 20.0
    assert recorded(ws)[2:] == ["update requested", "switched"]
    assert len(listening(ws.home)) == 1


@pytest.mark.parametrize("verb", ["stop", "delete"])
def test_what_is_left_is_ended(ws, verb):
    update("routed")
    getattr(ws.deployments, verb)("churn")
    assert not listening(ws.home)
    assert not gateways(ws.home)
    assert_consistent(ws)


def test_after_a_reboot_what_was_served_is_started_and_then_updated(ws):
    before = ws.deployments.get("churn").url
    update("starting")
    kill(ws.home)
    view = ws.deployments.start("churn")
    assert (view.version, view.url, asked(ws)) == ("fraud@2", before, 20.0)
    assert recorded(ws)[3:] == ["start requested", "started", "switched"]
    assert len(listening(ws.home)) == 1


def test_a_gateway_that_was_killed_is_started_again_alone(ws):
    import os
    import signal

    servers, url = listening(ws.home), ws.deployments.get("churn").url
    for pid in gateways(ws.home):
        os.kill(pid, signal.SIGKILL)
    found = ws.deployments.describe("churn")
    assert found.status == "down"
    assert "its gateway does not answer at 127.0.0.1:" in found.problem
    assert ws.deployments.start("churn").url == url
    assert (asked(ws), listening(ws.home)) == (10.0, servers)
    assert recorded(ws) == ["registered", "started"]
