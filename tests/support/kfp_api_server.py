"""A server that speaks the API of Kubeflow Pipelines, v2beta1, and executes what it is handed.

No Kubeflow exists where the tests run. This stands for it: a submitted pipeline, exactly as it came
over the wire, is executed by `kfp.local` in a process of its own, on the loopback interface. What
it cannot stand for is the cluster: pods, images, secrets, namespaces, the scheduler.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest

NOW = "2026-01-01T00:00:00Z"
PREFIX = "/apis/v2beta1/"


@pytest.fixture
def kfp():
    """The module, if it is installed."""
    return pytest.importorskip(
        "kfp", reason="kfp is not installed here: `make slow-flavors` has an environment for it"
    )


class KfpApiServer:
    """The server; use it in a `with` block.

    Attributes:
        runs: Run → what was submitted, as Kubeflow shows it.
        recurring_runs: Recurring run → the same; only `fire` starts a run of it.
        requests: What was asked, such as "POST runs".
        refuse: What is asked → the status and the text that it is refused with.
        silent: What is asked and never answered.
    """

    def __init__(self, folder, executes=True, login=None):
        """Keep outputs in `folder`; if it does not execute, runs stay as they are."""
        self.folder = Path(folder)
        self.executes = executes
        self.login = login
        self.runs, self.experiments, self.processes = {}, {}, {}
        self.recurring_runs = {}
        self.page_size = 2  # of recurring runs; smaller than what is requested
        self.requests, self.refuse, self.silent = [], {}, ()
        self._closing = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())

    @property
    def url(self):
        return f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self):
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._closing.set()
        for run in list(self.processes):
            self._kill(run, signal.SIGKILL)
        self._http.shutdown()
        self._http.server_close()

    # -- what is asked

    def answer(self, method, path, body, query):
        """The status and the answer."""
        asked = f"{method} {path}"
        self.requests.append(asked)
        if asked.startswith(tuple(self.silent)):
            self._closing.wait()
        for beginning, (status, text) in self.refuse.items():
            if asked.startswith(beginning):
                return status, {"error": text, "code": 13, "message": text}
        match method, *path.replace(":", "/").split("/"):
            case "GET", "healthz":
                return 200, {"multi_user": False}
            case "GET", "experiments":
                found = _filtered(self.experiments.values(), query)
                return 200, {"experiments": found, "total_size": len(found)}
            case "POST", "experiments":
                id = str(uuid4())
                self.experiments[id] = {**body, "experiment_id": id, "created_at": NOW}
                return 200, self.experiments[id]
            case "GET", "experiments", id:
                return 200, self.experiments[id]
            case _, "recurringruns", *rest:
                return self._recurring_run(method, rest, body, query)
            case "POST", "runs":
                return 200, self._start(body)
            case "GET", "runs", id if id in self.runs:
                return 200, self._state(id)
            case "POST", "runs", id, "terminate" if id in self.runs:
                self._terminate(id)
                return 200, {}
        return 404, {"error": f"nothing at {path}", "message": f"nothing at {path}"}

    def _recurring_run(self, method, rest, body, query):
        match method, *rest:
            case ("POST",):
                return self._create_recurring_run(body)
            case ("GET",):
                found, first = [*self.recurring_runs.values()], int(query.get("page_token") or 0)
                end = first + self.page_size
                page = {"recurringRuns": found[first:end], "total_size": len(found)}
                return 200, page | ({"next_page_token": str(end)} if end < len(found) else {})
            case "DELETE", id if id in self.recurring_runs:
                del self.recurring_runs[id]
                return 200, {}
        return 404, {"error": "no such recurring run", "message": "no such recurring run"}

    def _create_recurring_run(self, body):
        if body.get("experiment_id") not in self.experiments:
            return 400, {"message": "there is no such experiment"}
        if not 1 <= int(body["max_concurrency"]) <= 10:
            return 400, {"message": "max_concurrency must be from 1 to 10"}
        if len(body["trigger"]["cron_schedule"]["cron"].split()) != 6:
            return 400, {"message": "cron must have six fields"}
        id = str(uuid4())
        shown = {"recurring_run_id": id, "status": "ENABLED", "created_at": NOW}
        self.recurring_runs[id] = {**body, **shown}
        return 200, self.recurring_runs[id]

    def fire(self, id):
        """Execute the container of a recurring run's only task, as Kubeflow fills it in."""
        body = self.recurring_runs[id]
        spec = body["pipeline_spec"]
        spec = spec.get("pipeline_spec", spec)
        (task,) = spec["root"]["dag"]["tasks"].values()
        label = spec["components"][task["componentRef"]["name"]]["executorLabel"]
        container = spec["deploymentSpec"]["executors"][label]["container"]
        given = body["runtime_config"]["parameters"]
        assert task["inputs"]["parameters"] == {
            each: {"componentInputParameter": each} for each in given
        }
        words = [*container["command"], *container.get("args", ())]
        for name, value in given.items():
            placeholder = f"{{{{$.inputs.parameters['{name}']}}}}"
            words = [value if each == placeholder else each for each in words]
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        variables = {each["name"]: each["value"] for each in container.get("env", ())}
        return subprocess.run(
            words, env={**os.environ, "PATH": path, **variables}, cwd=self.folder,
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def _start(self, body):
        id = str(uuid4())
        self.runs[id] = {**body, "run_id": id, "state": "PENDING", "created_at": NOW}
        if self.executes:
            job = self.folder / f"{id}.json"
            job.write_text(json.dumps(body))
            with open(self.folder / f"{id}.log", "wb") as log:
                self.processes[id] = subprocess.Popen(
                    [sys.executable, __file__, str(job)],
                    stdout=log, stderr=log, start_new_session=True,
                )  # fmt: skip
        return self.runs[id]

    def _state(self, id):
        run, process = self.runs[id], self.processes.get(id)
        if process is not None and run["state"] in ("PENDING", "RUNNING", "CANCELING"):
            code = process.poll()
            if code is None or _is_there(process.pid):
                run["state"] = "CANCELING" if run["state"] == "CANCELING" else "RUNNING"
            elif run["state"] == "CANCELING":
                run["state"] = "CANCELED"
            else:
                run["state"] = "SUCCEEDED" if code == 0 else "FAILED"
                if code:
                    run["error"] = {"code": 13, "message": "a task\nfailed"}
        return run

    def _terminate(self, id):
        self.runs[id]["state"] = "CANCELING" if id in self.processes else "CANCELED"
        # As Kubernetes does: the pods first get a chance.
        self._kill(id, signal.SIGTERM)
        timer = threading.Timer(30, self._kill, (id, signal.SIGKILL))
        timer.daemon = True
        timer.start()

    def _kill(self, id, how):
        process = self.processes.get(id)
        if process is not None and process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, how)
            if how == signal.SIGKILL:
                process.wait()

    def log_of(self, id):
        return (self.folder / f"{id}.log").read_text()

    # -- over HTTP

    def _handler(self):
        server = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
                if not path.startswith(PREFIX):
                    self._page(path, body)
                    return
                cookie = self.headers.get("Cookie", "")
                if server.login and "authservice_session=let-in" not in cookie:
                    self._send(401, {"message": "log in first", "error": "log in first"})
                    return
                about = json.loads(body) if body else None
                query = {name: values[0] for name, values in query.items()}
                path = path.removeprefix(PREFIX)
                self._send(*server.answer(self.command, path, about, query))

            def _page(self, path, body):
                """Dex's form, which leads to a session."""
                self.send_response(200)
                if self.command == "POST" and server.login and body.decode() == server.login:
                    self.send_header("Set-Cookie", "authservice_session=let-in; Path=/")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def _send(self, status, answer):
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                with suppress(BrokenPipeError, ConnectionResetError):  # nobody waits any more
                    self.wfile.write(data)

            do_GET = do_POST = do_DELETE = do

        return Handler


def _filtered(records, query):
    """The records that equal the predicates of a filter."""
    predicates = json.loads(query.get("filter") or "{}").get("predicates", ())
    for each in predicates:
        value = each.get("string_value", each.get("stringValue"))
        records = [record for record in records if record.get(each["key"]) == value]
    return [*records]


def _is_there(group):
    """Whether a process of the group is left: a task is not over before all of its pod is."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def execute(job):
    """What the cluster would do: execute the submitted pipeline; the exit code says how it went."""
    import yaml
    from kfp import components, local

    # Terminated like the pods, it waits for them: they are of the same group.
    signal.signal(signal.SIGTERM, lambda *_: None)
    body = json.loads(Path(job).read_text())
    spec = body["pipeline_spec"]
    given = body.get("runtime_config", {}).get("parameters", {})
    local.init(
        runner=local.SubprocessRunner(use_venv=False),
        pipeline_root=str(Path(job).with_suffix("")),
        raise_on_error=True,
    )
    spec = spec.get("pipeline_spec", spec)  # beside it, what Kubernetes is to know of the pods
    components.load_component_from_text(yaml.safe_dump(spec))(**given)


if __name__ == "__main__":
    execute(sys.argv[1])
