"""The model deployers `kserve` and `seldon` on a cluster: a real API server, with CRDs of ours.

The controllers are those of the tests, see `model_controllers.py`; the pods serve the models.
"""

import base64

import pytest
from model_controllers import KINDS, ModelController
from models_to_serve import FLOWERS, STORE, Zeros, making, training
from ray_stacks import until
from s3_server import KEY, SECRET

from stackfold.domain.errors import DeploymentFailed, DeploymentUnavailable
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.flavors.kubernetes.api import Api
from stackfold.infrastructure.flavors.kubernetes.settings import KubernetesSettings
from stackfold.infrastructure.workspace import Workspace

DEPLOYER = ComponentType.MODEL_DEPLOYER
MODEL = "training/train"
# The store of the tests is on this machine, where their pods are, too.
pytestmark = pytest.mark.filterwarnings("ignore::stackfold.domain.errors.WouldNotRun")


@pytest.fixture(scope="module")
def controllers(control_plane):
    """Controllers of both kinds."""
    api = Api(KubernetesSettings(kubeconfig=str(control_plane.kubeconfig()), poll_interval=0.1))
    started = [ModelController(api, flavor) for flavor in KINDS]
    for each in started:
        each.start()
    yield
    for each in started:
        each.stop()


@pytest.fixture(params=[*KINDS])
def flavor(request):
    return request.param


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

        def delete(self, name):
            cluster.api.request("DELETE", f"{path}/{name}")

    return Resources()


@pytest.fixture
def ws(tmp_path, cluster, controllers, flavor, s3_server, s3_path):
    """A workspace with a stack that serves on the cluster, and two models."""
    keys = {"key": KEY, "secret": SECRET}
    data = {name: base64.b64encode(value.encode()).decode() for name, value in keys.items()}
    secrets = f"/api/v1/namespaces/{cluster.namespace}/secrets"
    cluster.api.request("POST", secrets, {"metadata": {"name": "s3"}, "data": data})
    with Workspace.open(tmp_path / "home") as ws:
        ws.secrets.create("s3", keys)
        place = {"path": s3_path, "endpoint_url": s3_server.url}
        references = {"key": "{{s3.key}}", "secret": "{{s3.secret}}"}
        ws.components.register(STORE, "lake", "s3", {**place, **references})
        settings = {
            "on_cluster": True,
            "kubeconfig": str(cluster.plane.kubeconfig()),
            "namespace": cluster.namespace,
            "image": "python",
            "ready_timeout": 60,
            "secret_environment": {
                "AWS_ACCESS_KEY_ID": "s3:key",
                "AWS_SECRET_ACCESS_KEY": "s3:secret",
            },
        }
        ws.components.register(DEPLOYER, "serving", flavor, settings)
        ws.stacks.register(
            "prod", orchestrator="default", artifact_store="lake", model_deployer="serving"
        )
        ws.stacks.activate("prod")
        ws.runs.start(training)
        yield ws
        for view in ws.deployments.list():
            ws.deployments.delete(view.id)


def test_a_model_is_deployed_updated_rolled_back_stopped_started_and_deleted(
    ws, cluster, resources, flavor
):
    ws.runs.start(making(Zeros))
    before = ws.deployments.deploy("Flowers_1", MODEL)
    found = ws.deployments.describe("Flowers_1")
    assert found.status == "ready"
    assert found.reference == {
        "context": "x",
        "namespace": cluster.namespace,
        "kind": KINDS[flavor].kind,
        "name": "flowers-1",
        "url": before.url,
    }
    assert ws.deployments.predict("Flowers_1", FLOWERS) == [0, 1, 2]
    applied = resources.get("flowers-1")
    assert applied["metadata"]["labels"] == {
        "app.kubernetes.io/managed-by": "stackfold",
        "stackfold/deployment-id": before.id,
    }

    ws.deployments.update("Flowers_1", "making/make")
    assert ws.deployments.describe("Flowers_1").status == "ready"
    until(lambda: ws.deployments.predict("Flowers_1", FLOWERS) == [0, 0, 0])
    updated = resources.get("flowers-1")
    assert updated["metadata"]["uid"] == applied["metadata"]["uid"]
    ws.deployments.rollback("Flowers_1")
    until(lambda: ws.deployments.predict("Flowers_1", FLOWERS) == [0, 1, 2])

    ws.deployments.stop("Flowers_1")
    assert resources.get("flowers-1") is None
    with pytest.raises(DeploymentUnavailable, match="it is stopped"):
        ws.deployments.predict("Flowers_1", FLOWERS)
    ws.deployments.start("Flowers_1")
    assert ws.deployments.predict("Flowers_1", FLOWERS) == [0, 1, 2]
    assert "POST /v2/models/flowers-1/infer" in "".join(ws.deployments.logs("Flowers_1"))
    ws.deployments.delete("Flowers_1")
    assert resources.get("flowers-1") is None
    assert ws.deployments.list() == []


def test_a_resource_of_the_same_name_is_not_changed(ws, resources):
    created = resources.create("flowers")
    with pytest.raises(DeploymentUnavailable, match="exists, and does not belong to it: delete"):
        ws.deployments.deploy("flowers", MODEL)
    ws.deployments.delete("flowers")
    assert resources.get("flowers")["metadata"]["uid"] == created["metadata"]["uid"]
    assert "labels" not in resources.get("flowers")["metadata"]


def test_a_model_that_cannot_be_loaded_is_recorded_as_failed(ws, resources, monkeypatch):
    configuration = {"environment": {"TEST_TROUBLE": "failed"}}
    ws.components.update(DEPLOYER, "serving", configuration)
    with pytest.raises(DeploymentFailed, match=r"failed: no such file: model\.joblib"):
        ws.deployments.deploy("flowers", MODEL)
    assert ws.deployments.get("flowers").status == "failed"
    assert resources.get("flowers") is None
