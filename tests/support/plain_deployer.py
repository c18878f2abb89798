"""A minimal model deployer with real servers, for tests.

A deployment has a folder in the home, named by its id, with the model as JSON, the output of its
server, and the address that it listens on. The server is `plain_server.py` beside this file.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from stackfold.application import ports
from stackfold.application.ports import Secret
from stackfold.application.ports.model_deployer import Deployed, Health, ModelDeployer, Served
from stackfold.application.ports.tensors import Tensor
from stackfold.domain.errors import (
    DeploymentFailed,
    DeploymentUnavailable,
    NoManifest,
    PredictionRejected,
)

SERVER = Path(__file__).with_name("plain_server.py")


class PlainDeployer(ModelDeployer):
    """Serves a dictionary of weights: a prediction is the weighted sum of a row."""

    flavor = "plain"

    class Configuration(ports.Configuration):
        password: Secret | None = None
        """The password that its servers require."""
        patience: float = 20
        """Seconds that a server may take to be ready."""
        fault: str = ""
        """What is to go wrong: "never ready", "dies", "raises", "waits" for a file, or nothing."""
        image: str = ""
        """What a cluster would run."""

    def why_down(self, deployed):
        return "its server was killed"

    def deploy(self, model):
        if self.configuration.fault == "raises":
            raise LookupError(f"the password is {self.password}")
        # If the command that served it was killed, only the folder refers to the server.
        self.delete(Deployed(model.id, model.name, None))
        folder = self.folder(model.id)
        folder.mkdir(parents=True)
        (folder / "model.json").write_text(json.dumps(model.load()))
        # It continues after this has returned.
        command = [sys.executable, str(SERVER), str(folder), model.name, self.configuration.fault]
        subprocess.run(command, input=self.password, text=True, check=True)
        if not self.is_ready(folder, model):
            self.end(folder, model)
            title = f"model deployer {self.flavor!r}"
            raise DeploymentFailed(title, model.name, "it did not become ready: read its logs")
        reference = {"address": self.noted(folder)["address"]}
        return Served(reference, f"{self.url(reference)}/v2/models/{model.name}/infer")

    def health(self, deployed):
        reference = self.reference(deployed)
        if reference == ELSEWHERE:
            return Health.ELSEWHERE
        try:
            self.ask(reference, f"/v2/models/{deployed.name}/ready")
        except HTTPError as error:
            error.close()
            return Health.STARTING
        except (OSError, HTTPException, TypeError):
            return Health.DOWN
        return Health.READY

    def predict(self, deployed, inputs):
        body = {"inputs": [each._asdict() for each in inputs]}
        path = f"/v2/models/{deployed.name}/infer"
        try:
            through = {"address": deployed.gateway} if deployed.gateway else None
            answer = self.ask(through or self.reference(deployed), path, body)
        except HTTPError as error:
            with error:
                raise PredictionRejected(deployed.name, json.load(error)["error"]) from error
        except (OSError, HTTPException, TypeError) as error:
            raise DeploymentUnavailable(deployed.name, "its server does not answer") from error
        return [
            Tensor(each["name"], each["datatype"], each["shape"], each["data"])
            for each in answer["outputs"]
        ]

    def logs(self, deployed):
        log = self.folder(deployed.id) / "log"
        if log.exists():
            yield log.read_text()

    def stop(self, deployed):
        if self.health(deployed) == Health.ELSEWHERE:
            raise DeploymentUnavailable(deployed.name, "it is served by another machine: ask there")
        self.end(self.folder(deployed.id), deployed)

    def delete(self, deployed):
        self.stop(deployed)
        shutil.rmtree(self.folder(deployed.id), ignore_errors=True)

    def manifest(self, model):
        if not self.configuration.image:
            raise NoManifest(f"model deployer {self.flavor!r}", "it has no image: give it one")
        return f"image: {self.configuration.image}\nmodel: {model.name}\nuri: {model.uri}\n"

    # -- how it is done

    @property
    def password(self):
        return self.secret(self.configuration.password) if self.configuration.password else ""

    def folder(self, id):
        return Path(self.home) / "served" / id

    def url(self, reference):
        return f"http://{reference['address']}"

    def reference(self, deployed):
        """The recorded reference, or the one that the server left if none was recorded."""
        if deployed.reference is not None:
            return deployed.reference
        try:
            return self.noted(self.folder(deployed.id))
        except FileNotFoundError:
            return None

    def noted(self, folder):
        return json.loads((folder / "address.json").read_text())

    def ask(self, reference, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {"X-Password": self.password}
        with urlopen(Request(self.url(reference) + path, data, headers), timeout=5) as answer:
            return json.load(answer)

    def is_ready(self, folder, model):
        end = time.monotonic() + self.configuration.patience
        while time.monotonic() < end and not (folder / "ended").exists():
            if self.answers(folder, f"/v2/models/{model.name}/ready") == "yes":
                return True
            time.sleep(0.02)
        return False

    def end(self, folder, model):
        """Ask its server to end, and wait until nothing listens any more."""
        while self.answers(folder, "/end", {}) != "nobody":
            time.sleep(0.02)

    def answers(self, folder, path, body=None):
        """Whether its server responds: "yes", "not yet", or "nobody" is listening."""
        try:
            self.ask(self.noted(folder), path, body)
        except HTTPError as error:
            error.close()
            return "not yet"
        except (OSError, HTTPException):
            return "nobody"
        return "yes"


ELSEWHERE = {"address": "elsewhere"}
"""The reference to what another machine serves."""


def notes(home):
    """Where servers in a home have noted their addresses."""
    return [*Path(home).glob("served/*/address.json")]


def let_go(home):
    """Let all waiting servers in a home continue."""
    for note in notes(home):
        note.with_name("go").touch()


def pids(home):
    """The processes of all servers in a home."""
    return [json.loads(note.read_text())["pid"] for note in notes(home)]


def listening(home):
    """The addresses of the listening servers in a home."""
    found = []
    for note in notes(home):
        host, port = json.loads(note.read_text())["address"].split(":")
        with suppress(ConnectionError), socket.create_connection((host, int(port))):
            found.append(f"{host}:{port}")
    return found


def gateways(home):
    """The processes of all gateways in a home."""
    notes = Path(home).glob("gateways/*/gateway.json")
    return [json.loads(note.read_text())["pid"] for note in notes]


def kill(home):
    """Kill all servers and gateways in a home, as a lack of memory would."""
    for pid in [*pids(home), *gateways(home)]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    while listening(home):
        time.sleep(0.01)
