"""A real MLflow server on this machine, and what it knows, asked past the flavor."""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import cloudpickle
import pytest
from flavor_environments import environment

from stackfold.testing.contracts import experiment_tracker
from stackfold.testing.contracts.tracking_tool import SeenStep

# A step's process cannot import the tests.
cloudpickle.register_pickle_by_value(experiment_tracker)
cloudpickle.register_pickle_by_value(sys.modules[__name__])

SECONDS = 180
USER, PASSWORD = "admin", "not-the-usual-one"
"""Those of the server's first account."""


def program() -> str | None:
    """The server's program: of its own environment, or whatever is on the path."""
    own = environment("mlflow-server") / "bin" / "mlflow"
    return str(own) if own.exists() else shutil.which("mlflow-server")


class MlflowServer:
    """Listens on loopback only; keeps what it has when it is killed and started again."""

    def __init__(self, folder: Path, guarded: bool = False) -> None:
        """Keep all in `folder`; if `guarded`, want a password, which takes its time to check."""
        self._folder = folder
        self._guarded = guarded
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self, *, wait: bool = True) -> None:
        log = (self._folder / "log").open("ab")
        self._process = subprocess.Popen(
            [
                str(program()),
                "server",
                f"--backend-store-uri=sqlite:///{self._folder}/runs.db",
                "--serve-artifacts",
                f"--artifacts-destination={self._folder}/artifacts",
                "--host=127.0.0.1",
                f"--port={self._port}",
                "--workers=1",
                *(["--app-name=basic-auth"] if self._guarded else []),
            ],
            env={
                **os.environ,
                "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
                "MLFLOW_DISABLE_TELEMETRY": "true",
                **(self._accounts() if self._guarded else {}),
            },
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        log.close()
        if wait:
            self._wait()

    def _accounts(self) -> dict[str, str]:
        path = self._folder / "accounts.ini"
        path.write_text(
            "[mlflow]\ndefault_permission = MANAGE\n"
            f"database_uri = sqlite:///{self._folder}/accounts.db\n"
            f"admin_username = {USER}\nadmin_password = {PASSWORD}\n"
            "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
        )
        return {
            "MLFLOW_AUTH_CONFIG_PATH": str(path),
            "MLFLOW_FLASK_SERVER_SECRET_KEY": "only-for-tests",
        }

    def kill(self) -> None:
        if self._process:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _wait(self) -> None:
        until = time.monotonic() + SECONDS
        while time.monotonic() < until and self._process and self._process.poll() is None:
            with suppress(OSError), urllib.request.urlopen(f"{self.url}/health", timeout=1):
                return
            time.sleep(0.2)
        raise RuntimeError((self._folder / "log").read_text()[-2000:])


_ENDED = {"FINISHED": "completed", "FAILED": "failed", "RUNNING": "running", "KILLED": "killed"}


class MlflowTool:
    """MLflow, asked by another client than the flavor's."""

    flavor = "mlflow"

    def __init__(self, url: str) -> None:
        self.url = url

    def configuration(self, **more):
        return {"tracking_uri": self.url, **more}

    def client(self):
        from mlflow import MlflowClient

        return MlflowClient(self.url)

    def runs(self, run):
        """All that belong to a run, its own one first."""
        client = self.client()
        experiments = [each.experiment_id for each in client.search_experiments()]
        found = client.search_runs(experiments, f"tags.`stackfold.run` = '{run.id}'")
        return sorted(found, key=lambda each: "mlflow.parentRunId" in each.data.tags)

    def seen_of_all(self, run):
        """The steps of a run that several trackers were told of."""
        steps = [each for each in self.runs(run) if "stackfold.step" in each.data.tags]
        return {each.data.tags["stackfold.step"]: [self._seen(each)] for each in steps}

    def seen(self, run):
        parent, *steps = self.runs(run)
        assert parent.info.run_name == run.name
        found = {}
        for each in steps:
            assert each.data.tags["mlflow.parentRunId"] == parent.info.run_id
            name = each.data.tags["stackfold.step"]
            found.setdefault(name, []).append(self._seen(each))
        return found

    def _seen(self, run):
        client = self.client()
        metrics = {}
        for name in run.data.metrics:
            history = client.get_metric_history(run.info.run_id, name)
            metrics[name] = [each.value for each in sorted(history, key=lambda m: m.step)]
        ids = {"run_id": run.info.run_id, "experiment_id": run.info.experiment_id}
        return SeenStep(ids, _ENDED[run.info.status], run.data.params, metrics)

    def artifact(self, seen, name):
        with tempfile.TemporaryDirectory() as folder:
            path = self.client().download_artifacts(seen.ids["run_id"], name, folder)
            return Path(path).read_bytes()

    def models(self, seen):
        client = self.client()
        return {
            each.name: self._files(client, each)
            for each in client.search_logged_models([seen.ids["experiment_id"]])
            if each.source_run_id == seen.ids["run_id"]
        }

    def _files(self, client, model):
        place = model.artifact_location.removeprefix("mlflow-artifacts:/")
        files = {}
        for each in client.list_logged_model_artifacts(model.model_id):
            address = f"{self.url}/api/2.0/mlflow-artifacts/artifacts/{place}/{each.path}"
            with urllib.request.urlopen(address, timeout=30) as answer:
                files[each.path] = answer.read()
        return files

    def log(self, name, value):
        import mlflow

        mlflow.log_metric(name, value)

    def log_parameter(self, name, value):
        import mlflow

        mlflow.log_param(name, value)

    def has_a_run(self):
        import mlflow

        return mlflow.active_run() is not None


@pytest.fixture(scope="session")
def mlflow_client():
    """Skips where there is neither client nor server."""
    if importlib.util.find_spec("mlflow") is None:
        pytest.skip("no MLflow client here: `make slow-flavors` installs it")
    if program() is None:
        pytest.skip("no MLflow server here: `make slow-flavors` installs it")


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory, mlflow_client):
    server = MlflowServer(tmp_path_factory.mktemp("mlflow"))
    try:
        server.start()
        yield server
    finally:
        server.kill()


@pytest.fixture
def mlflow_tool(mlflow_server):
    return MlflowTool(mlflow_server.url)
