"""KServe's and Seldon's controllers for tests, on a real API server with small CRDs.

For each generation of a resource, a pod executes the manifest's container: the arguments are those
of the manifest, and `model_pod.py` serves them. Once it is ready, requests to the address of the
resource reach it, and the pods of earlier generations are deleted.

The variable TEST_TROUBLE in the container's environment asks for trouble: "image-pull" is a pod
whose image is not pulled, "failed" a model that cannot be loaded.
"""

import base64
import contextlib
import socket
import socketserver
import sys
import threading
from pathlib import Path

import pytest
from kubernetes_server import free_port
from s3_server import KEY, SECRET

from stackfold.domain.errors import StackfoldError
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.flavors.http_requests import request
from stackfold.infrastructure.flavors.kserve.model_deployer import KServeModelDeployer
from stackfold.infrastructure.flavors.kubernetes.api import Api
from stackfold.infrastructure.flavors.kubernetes.settings import KubernetesSettings
from stackfold.infrastructure.flavors.seldon.model_deployer import SeldonModelDeployer
from stackfold.infrastructure.workspace import Workspace

DEPLOYER, STORE = ComponentType.MODEL_DEPLOYER, ComponentType.ARTIFACT_STORE
KINDS = {"kserve": KServeModelDeployer.kind, "seldon": SeldonModelDeployer.kind}
PROGRAM = Path(__file__).with_name("model_pod.py")
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def definition(kind):
    """A CRD that checks little, with a status of its own."""
    group, version = kind.api.split("/")
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"type": "object", "properties": {"spec": anything, "status": anything}}
    names = {"plural": kind.plural, "kind": kind.kind, "singular": kind.kind.lower()}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": names,
            "versions": [
                {
                    "name": version,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "schema": {"openAPIV3Schema": schema},
                }
            ],
        },
    }


class Service(socketserver.ThreadingTCPServer):
    """An address that stays, at which one pod after another is reached."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Forward)
        self.port = self.server_address[1]
        self.pod = None
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Forward(socketserver.BaseRequestHandler):
    def handle(self):
        with contextlib.suppress(OSError), socket.create_connection(self.server.pod) as pod:
            back = threading.Thread(target=_copy, args=(pod, self.request), daemon=True)
            back.start()
            _copy(self.request, pod)
            back.join()


def _copy(source, target):
    with contextlib.suppress(OSError):
        while data := source.recv(2**16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


class ModelController:
    """The controller of one kind of resource, for all namespaces; a thread of the tests."""

    def __init__(self, api, flavor):
        self.api, self.flavor, self.kind = api, flavor, KINDS[flavor]
        self.ports, self.services = {}, {}
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self._main, daemon=True)

    def start(self):
        self.api.request("POST", CRDS, definition(self.kind))
        self.thread.start()

    def stop(self):
        self.is_over.set()
        self.thread.join()
        for service in self.services.values():
            service.shutdown()
            service.server_close()

    def _main(self):
        while not self.is_over.wait(0.1):
            try:
                found = self.api.once("GET", f"/apis/{self.kind.api}/{self.kind.plural}")
                for resource in found["items"]:
                    if "deletionTimestamp" not in resource["metadata"]:
                        self._reconcile(resource)
            except Exception as error:  # like a real one, it tries again
                print("controller:", error, flush=True)

    def _reconcile(self, resource):
        meta = resource["metadata"]
        pods = f"/api/v1/namespaces/{meta['namespace']}/pods"
        name = f"{meta['name']}-{meta['generation']}"
        (container,) = self._spec(resource)["containers"]
        variables = {each["name"]: each.get("value") for each in container.get("env", [])}
        trouble = variables.get("TEST_TROUBLE")
        if self.api.request("GET", f"{pods}/{name}") is None:
            self.api.request("POST", pods, self._pod(resource, name, container, trouble))
        port = self.ports.get((meta["uid"], meta["generation"]))
        if trouble == "failed":
            self._report(resource, self._failed("no such file: model.joblib"))
        elif port and _is_ready(port, meta["name"]):
            if meta["uid"] not in self.services:
                self.services[meta["uid"]] = Service()
            service = self.services[meta["uid"]]
            service.pod = ("127.0.0.1", port)
            self._report(resource, self._ready(meta["name"], service.port))
            query = {"labelSelector": f"{self.kind.pod_label}={meta['name']}"}
            for pod in self.api.request("GET", pods, query=query)["items"]:
                if pod["metadata"]["name"] != name:
                    self.api.request("DELETE", f"{pods}/{pod['metadata']['name']}")
        elif not resource.get("status"):
            self._report(resource, self._starting())

    def _spec(self, resource):
        if self.flavor == "kserve":
            return resource["spec"]["predictor"]
        return resource["spec"]["predictors"][0]["componentSpecs"][0]["spec"]

    def _pod(self, resource, name, container, trouble):
        meta = resource["metadata"]
        port = self.ports[meta["uid"], meta["generation"]] = free_port()
        owner = {
            "apiVersion": self.kind.api,
            "kind": self.kind.kind,
            "name": meta["name"],
            "uid": meta["uid"],
            "controller": True,
            "blockOwnerDeletion": True,
        }
        ours = {"command": [sys.executable, str(PROGRAM), str(port)]}
        ready = {"path": f"/v2/models/{meta['name']}/ready", "port": port}
        ports = {"ports": [], "readinessProbe": {"httpGet": ready}, "resources": {}}
        return {
            "metadata": {
                "name": name,
                "labels": {self.kind.pod_label: meta["name"]},
                "annotations": {f"test/{trouble}": "yes"} if trouble else {},
                "ownerReferences": [owner],
            },
            "spec": {
                "terminationGracePeriodSeconds": 1,
                "containers": [{**container, **ours, **ports}],
            },
        }

    def _report(self, resource, status):
        meta = resource["metadata"]
        if resource.get("status") == status:
            return
        path = f"/apis/{self.kind.api}/namespaces/{meta['namespace']}/{self.kind.plural}"
        changed = {**resource, "status": status}
        self.api.once("PUT", f"{path}/{meta['name']}/status", changed)

    def _ready(self, name, port):
        address = f"http://127.0.0.1:{port}"
        if self.flavor == "kserve":
            return {"url": address, "conditions": [{"type": "Ready", "status": "True"}]}
        url = f"{address}/v2/models/{name}/infer"
        return {"state": "Available", "address": {"url": url}}

    def _starting(self):
        if self.flavor == "kserve":
            unmet = {"status": "False", "reason": "MinimumReplicasUnavailable"}
            return {"conditions": [{"type": "Ready", **unmet}, {"type": "PredictorReady", **unmet}]}
        return {"state": "Creating"}

    def _failed(self, message):
        if self.flavor == "kserve":
            failure = {"reason": "ModelLoadFailed", "message": message}
            model = {"transitionStatus": "BlockedByFailedLoad", "lastFailureInfo": failure}
            return {**self._starting(), "modelStatus": model}
        return {"state": "Failed", "description": message}


def _is_ready(port, name):
    try:
        url = f"http://127.0.0.1:{port}/v2/models/{name}/ready"
        return request("GET", url, timeout=1).status == 200
    except OSError:
        return False


# -- fixtures; the tests provide `flavor`


@pytest.fixture(scope="session")
def controllers(control_plane):
    """Controllers of both kinds."""
    api = Api(KubernetesSettings(kubeconfig=str(control_plane.kubeconfig()), poll_interval=0.1))
    started = [ModelController(api, flavor) for flavor in KINDS]
    for each in started:
        each.start()
    yield
    for each in started:
        each.stop()


@pytest.fixture
def resources(cluster, flavor):
    """Requests on the resources of the namespace, by its administrator."""
    kind = KINDS[flavor]
    path = f"/apis/{kind.api}/namespaces/{cluster.namespace}/{kind.plural}"

    class Resources:
        def get(self, name):
            return cluster.api.request("GET", f"{path}/{name}")

        def create(self, name):
            manifest = {"apiVersion": kind.api, "kind": kind.kind, "metadata": {"name": name}}
            return cluster.api.request("POST", path, manifest)

        def replace(self, name, content):
            cluster.api.request("PUT", f"{path}/{name}", content, {"fieldManager": "kubectl"})

        def delete(self, name):
            cluster.api.request("DELETE", f"{path}/{name}")

    return Resources()


def settings_of(cluster, **more):
    """The configuration of a deployer that serves on the cluster."""
    return {
        "on_cluster": True,
        "kubeconfig": str(cluster.plane.kubeconfig()),
        "namespace": cluster.namespace,
        "image": "python",
        "ready_timeout": 60,
        "secret_environment": {
            "AWS_ACCESS_KEY_ID": "s3:key",
            "AWS_SECRET_ACCESS_KEY": "s3:secret",
        },
        **more,
    }


@pytest.fixture
def model_cluster(tmp_path, cluster, controllers, flavor, s3_server, s3_path):
    """A workspace with a stack that serves on the cluster, and two models."""
    from models_to_serve import training  # some environments lack its packages

    keys = {"key": KEY, "secret": SECRET}
    data = {name: base64.b64encode(value.encode()).decode() for name, value in keys.items()}
    secrets = f"/api/v1/namespaces/{cluster.namespace}/secrets"
    cluster.api.request("POST", secrets, {"metadata": {"name": "s3"}, "data": data})
    with Workspace.open(tmp_path / "home") as ws:
        ws.secrets.create("s3", keys)
        place = {"path": s3_path, "endpoint_url": s3_server.url}
        references = {"key": "{{s3.key}}", "secret": "{{s3.secret}}"}
        ws.components.register(STORE, "lake", "s3", {**place, **references})
        ws.components.register(DEPLOYER, "serving", flavor, settings_of(cluster))
        ws.stacks.register(
            "prod", orchestrator="default", artifact_store="lake", model_deployer="serving"
        )
        ws.stacks.activate("prod")
        ws.runs.start(training)
        yield ws
        for view in ws.deployments.list():
            # A test may have left it with a cluster that does not respond.
            with contextlib.suppress(StackfoldError):
                ws.deployments.delete(view.id)
