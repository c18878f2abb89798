"""A model from a pipeline to predictions and back, by the command line, one process per command."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from model_servers import members
from models_to_serve import FLOWERS, Sleeping, Zeros, making, measuring, training

from stackfold.application.ports.model_deployer import Deployed
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.workspace import Workspace

DEPLOYER = ComponentType.MODEL_DEPLOYER


class DeployedModelsContract:
    """Derive, and provide the name of the flavor."""

    flavor = ""

    @pytest.fixture
    def home(self, tmp_path):
        """A home with two models, and with a stack that serves; no server is left running."""
        home = tmp_path / "home"
        with Workspace.open(home) as ws:
            ws.components.register(DEPLOYER, "serving", self.flavor)
            needed = {"orchestrator": "default", "artifact_store": "default"}
            ws.stacks.register("prod", **needed, model_deployer="serving")
            ws.stacks.activate("prod")
            ws.runs.start(training)
            ws.runs.start(making(Sleeping))
        yield home
        with Workspace.open(home) as ws:
            for view in ws.deployments.list():
                ws.deployments.delete(view.id)

    @pytest.fixture
    def stackfold(self, home):
        """Runs a command in a new process."""

        def run(*words, code=0):
            done = subprocess.run(
                [sys.executable, "-m", "stackfold", *words],
                env={**os.environ, "STACKFOLD_HOME": str(home)},
                cwd=home,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == code, done
            return done.stdout if code == 0 else done.stderr

        return run

    def test_it_is_deployed_queried_killed_restarted_stopped_and_deleted(self, stackfold):
        def told(name="flowers"):
            return json.loads(stackfold("deployment", "describe", name, "--output", "json"))

        stackfold("deployment", "deploy", "flowers", "training/train")
        found = told()
        assert (found["status"], found["model"]) == ("ready", "training/train/output@1")
        predicted = stackfold("deployment", "predict", "flowers", json.dumps(FLOWERS))
        assert json.loads(predicted) == [0, 1, 2]
        refused = stackfold("deployment", "predict", "flowers", "[[5.1]]", code=1)
        assert "X has 1 features, but LogisticRegression is expecting 4" in refused
        assert refused.count("\n") == 1

        server = Deployed(found["id"], "flowers", found["reference"])
        os.killpg(found["reference"]["pid"], signal.SIGKILL)
        while members(server):
            time.sleep(0.01)
        assert told()["status"] == "down"
        unavailable = stackfold("deployment", "predict", "flowers", json.dumps(FLOWERS), code=1)
        assert unavailable.count("\n") == 1

        stackfold("deployment", "start", "flowers")
        predicted = stackfold("deployment", "predict", "flowers", json.dumps(FLOWERS))
        assert json.loads(predicted) == [0, 1, 2]
        server = Deployed(found["id"], "flowers", told()["reference"])
        stackfold("deployment", "stop", "flowers")
        assert told()["status"] == "stopped"
        assert members(server) == set()
        assert stackfold("deployment", "logs", "flowers")
        stackfold("deployment", "delete", "flowers", "--yes")
        assert json.loads(stackfold("deployment", "list", "--output", "json")) == []

    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
    def test_a_command_that_is_interrupted_leaves_no_second_server(self, stackfold, home, number):
        stackfold("model-deployer", "update", "serving", "--ready-timeout=60")
        command = subprocess.Popen(
            [sys.executable, "-m", "stackfold", "deployment", "deploy", "sleeping", "making/make"],
            env={**os.environ, "STACKFOLD_HOME": str(home)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while not (notes := [*home.glob("deployments/*/server.json")]) or not notes[0].read_text():
            assert command.poll() is None
            time.sleep(0.01)
        reference = json.loads(notes[0].read_text())
        server = Deployed(notes[0].parent.name, "sleeping", reference)
        assert members(server)
        command.send_signal(number)
        command.wait()
        if number == signal.SIGKILL:
            assert members(server)  # no process was left to end it
        stackfold("deployment", "delete", "sleeping", "--yes")
        assert members(server) == set()

    def test_a_model_that_is_stored_as_a_folder_is_deployed(self, home):
        with Workspace.open(home) as ws:
            ws.runs.start(measuring)
            assert ws.artifacts.get("measuring/measure").view.files == 2
            ws.deployments.deploy("thresholds", "measuring/measure")
            assert ws.deployments.predict("thresholds", FLOWERS) == [0, 1, 2]

    def test_another_model_answers_at_the_same_address_and_no_request_is_lost(self, home):
        answers, enough = [], threading.Event()

        def ask():
            with Workspace.open(home) as ws:
                while not enough.is_set():
                    answers.append(ws.deployments.predict("flowers", FLOWERS))
                    enough.wait(0.05)

        with Workspace.open(home) as ws, ThreadPoolExecutor(1) as client:
            ws.runs.start(making(Zeros))
            before = ws.deployments.deploy("flowers", "training/train")
            asking = client.submit(ask)
            try:
                after = ws.deployments.update("flowers", "making/make@2", why="cheaper")
                assert ws.deployments.predict("flowers", FLOWERS) == [0, 0, 0]
                assert (after.url, after.model) == (before.url, "making/make/output@2")
                assert ws.deployments.rollback("flowers").model == "training/train/output@1"
                assert ws.deployments.predict("flowers", FLOWERS) == [0, 1, 2]
            finally:
                enough.set()
            asking.result()
        assert {*map(tuple, answers)} == {(0, 1, 2), (0, 0, 0)}

    def test_one_that_never_becomes_ready_is_recorded_as_failed(self, stackfold, home):
        stackfold("model-deployer", "update", "serving", "--ready-timeout=2")
        failed = stackfold("deployment", "deploy", "sleeping", "making/make", code=1)
        assert "its server was not ready in 2 seconds and was ended" in failed
        assert failed.splitlines()[-1].startswith("error: ")
        with Workspace.open(home) as ws:
            found = ws.deployments.describe("sleeping")
        assert found.status == "failed"
        assert "not ready in 2 seconds" in found.problem
