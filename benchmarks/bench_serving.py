"""The model server `local` beside MLflow's, in one run, and what recording adds at the gateway.

`python bench_serving.py [PYTHON]`: the interpreter of an environment with MLflow and scikit-learn,
such as .venv-flavors/mlflow/bin/python; without it, only `local` is measured. Both serve the same
classifier of scikit-learn, and get the same requests in turns.
"""

import http.client
import json
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from stackfold.application.deployments.gateways import Listen, Route
from stackfold.application.ports.model_deployer import Deployed
from stackfold.infrastructure.flavors.local.model_deployer import LocalModelDeployer
from stackfold.infrastructure.flavors.mlflow.model_deployer import MlflowModelDeployer
from stackfold.infrastructure.gateway.gateways import ProcessGateways
from stackfold.infrastructure.recording.spools import Spools
from stackfold.testing import model_to_serve

REQUESTS, ROUNDS, CLIENTS = 200, 5, 8
BODY = json.dumps({"inputs": [[5.1, 3.5, 1.4, 0.2]]}).encode()
HEADERS = {"Content-Type": "application/json"}


class Client:
    """A connection that asks for predictions."""

    def __init__(self, url):
        parts = urlsplit(url)
        self.path = parts.path
        self.connection = http.client.HTTPConnection(parts.hostname, parts.port)

    def ask(self):
        """Seconds for a request."""
        began = time.perf_counter()
        self.connection.request("POST", self.path, BODY, HEADERS)
        response = self.connection.getresponse()
        response.read()
        assert response.status == 200, response.status
        return time.perf_counter() - began


def rate(url):
    """Requests per second of several clients."""

    def ask():
        client = Client(url)
        for _ in range(REQUESTS // CLIENTS):
            client.ask()

    threads = [threading.Thread(target=ask) for _ in range(CLIENTS)]
    began = time.perf_counter()
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return REQUESTS // CLIENTS * CLIENTS / (time.perf_counter() - began)


def measure(urls):
    """Latencies and rates of several servers, asked in turns; prints a line for each."""
    latencies, rates = {name: [] for name in urls}, {name: [] for name in urls}
    for url in urls.values():
        client = Client(url)
        for _ in range(20):  # before its first requests, a server imports
            client.ask()
    for _ in range(ROUNDS):
        for name, url in urls.items():
            client = Client(url)
            latencies[name] += [client.ask() for _ in range(REQUESTS)]
            rates[name].append(rate(url))
    for name in urls:
        found = sorted(latencies[name])
        print(
            f"{name:12} median {statistics.median(found) * 1000:6.2f} ms   "
            f"99 % {found[len(found) * 99 // 100] * 1000:6.2f} ms   "
            f"{statistics.median(rates[name]):6.0f} requests/s from {CLIENTS} connections"
        )


def memory(reference):
    """MiB of all processes of a server."""
    total = 0
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if int((path / "stat").read_text().rpartition(")")[2].split()[2]) == reference["pid"]:
                status = (path / "status").read_text()
                total += int(status.partition("VmRSS:")[2].split()[0])
        except (OSError, IndexError, ValueError):
            continue
    return total // 1024


def main() -> None:
    """Measure and print."""
    model = LogisticRegression(max_iter=1000).fit(*load_iris(return_X_y=True))
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        local = LocalModelDeployer(LocalModelDeployer.Configuration(), home)
        deployers = {"local": local}
        if len(sys.argv) > 1:
            settings = MlflowModelDeployer.Configuration(python=sys.argv[1])
            deployers["mlflow"] = MlflowModelDeployer(settings, home)
        urls, deployed = {}, {}
        gateways, spools = ProcessGateways(home), Spools(home, None)
        ids = ["00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"]
        try:
            for name, deployer in deployers.items():
                to_serve = model_to_serve(model, name)
                to_serve = to_serve._replace(type="sklearn.linear_model.LogisticRegression")
                began = time.perf_counter()
                served = deployer.deploy(to_serve)
                seconds = time.perf_counter() - began
                deployed[name] = Deployed(to_serve.id, name, served.reference)
                urls[name] = served.url
                mebibytes = memory(served.reference)
                print(f"{name:12} ready after {seconds:5.1f} s, {mebibytes} MiB")
            measure(urls)
            print("through gateways:")
            through = {}
            for id, name in zip(ids, ("not recorded", "recorded"), strict=True):
                if name == "recorded":
                    spools.begin(id, 1.0, [])
                found = gateways.open(id, Listen(), None, [Route("a", urls["local"], 100, "a@1")])
                through[name] = f"http://{gateways.address(found)}/predict"
            measure(through)
            waiting = spools.waiting(ids[1], is_recording=True)
            print(f"recorded: {sum(each.requests for each in waiting)} requests")
        finally:
            for id in ids:
                gateways.close(id)
            for name, each in deployed.items():
                deployers[name].delete(each)


if __name__ == "__main__":
    main()
