"""A custom model deployer: each deployment is a server of Python's standard library.

Its folder in Stackfold's home has the model, the port, the log, and a file `running`: the server
ends when that file is deleted. So any later command can find and stop it, even if the command that
started it was killed.
"""

import json
import os
import pickle
import shutil
import subprocess
import sys
import time
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

from pydantic import Field

from stackfold import flavors
from stackfold.errors import (
    DeploymentFailed,
    DeploymentUnavailable,
    NoManifest,
    PredictionRejected,
)
from stackfold.flavors import Deployed, Health, ModelDeployer, Served, Tensor, nested, tensors_of


class SmallDeployer(ModelDeployer):
    """Serves what has a method `predict`, by processes of this machine."""

    flavor = "small"

    class Configuration(flavors.Configuration):
        patience: float = Field(30, gt=0, description="Seconds in which a server must be ready.")

    def deploy(self, model):
        deployed = Deployed(model.id, model.name, None)
        self.delete(deployed)  # what an attempt has left that was killed
        folder = self.folder(deployed)
        folder.mkdir(parents=True, mode=0o700)
        (folder / "model").write_bytes(pickle.dumps(model.load()))
        (folder / "running").touch()
        with (folder / "log").open("w") as log:
            command = [sys.executable, __file__, str(folder)]
            server = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        end = time.monotonic() + self.configuration.patience
        while server.poll() is None and time.monotonic() < end:
            if self.health(deployed) == Health.READY:
                port = self.port(deployed)
                return Served({"port": port}, f"http://127.0.0.1:{port}/")
            time.sleep(0.05)
        self.stop(deployed)
        server.wait()
        problem = "it did not become ready: read its logs"
        raise DeploymentFailed(f"model deployer {self.flavor!r}", model.name, problem)

    def health(self, deployed):
        try:
            self.ask(deployed)
        except OSError:
            return Health.DOWN
        return Health.READY

    def predict(self, deployed, inputs):
        try:
            answer = self.ask(deployed, json.dumps(inputs).encode())
        except HTTPError as error:
            with error:
                raise PredictionRejected(deployed.name, error.read().decode()) from error
        except OSError as error:
            raise DeploymentUnavailable(deployed.name, "its server does not answer") from error
        return [Tensor(*each) for each in answer]

    def logs(self, deployed):
        log = self.folder(deployed) / "log"
        if log.exists():
            yield log.read_text()

    def stop(self, deployed):
        (self.folder(deployed) / "running").unlink(missing_ok=True)
        while self.health(deployed) == Health.READY:
            time.sleep(0.05)

    def delete(self, deployed):
        self.stop(deployed)
        shutil.rmtree(self.folder(deployed), ignore_errors=True)

    def manifest(self, model):
        raise NoManifest(f"model deployer {self.flavor!r}", "it serves on this machine only")

    def folder(self, deployed):
        return Path(self.home) / "small" / deployed.id

    def port(self, deployed):
        return int((self.folder(deployed) / "port").read_text())

    def ask(self, deployed, body=None):
        host = f"127.0.0.1:{self.port(deployed)}"
        if body and deployed.gateway:  # which divides predictions among several servers
            host = deployed.gateway
        address = f"http://{host}/{deployed.id}"
        try:
            with urlopen(address, body, timeout=5) as answer:
                return json.load(answer)
        except HTTPException as error:  # it ended in the middle of its answer
            raise ConnectionError from error


class Server(ThreadingHTTPServer):
    def service_actions(self):
        if not (FOLDER / "running").exists():
            os._exit(0)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        # A port may be somebody else's by now; the id is not.
        self.answer(200 if FOLDER.name in self.path else 404, b"[]")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        first, *_ = (Tensor(*each) for each in json.loads(body))
        try:
            predicted = tensors_of(MODEL.predict(nested(first)))
        except Exception as error:
            self.answer(400, str(error).encode())
        else:
            self.answer(200, json.dumps(predicted).encode())

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    FOLDER = Path(sys.argv[1])
    MODEL = pickle.loads((FOLDER / "model").read_bytes())
    server = Server(("127.0.0.1", 0), Handler)
    (FOLDER / "port.new").write_text(str(server.server_port))
    (FOLDER / "port.new").rename(FOLDER / "port")  # nobody reads a half of it
    print("listening", flush=True)
    server.serve_forever(poll_interval=0.1)
