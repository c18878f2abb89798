"""The model deployers `kserve` and `seldon` on a cluster: a real API server, with CRDs of ours.

The controllers are those of the tests, see `model_controllers.py`; the pods serve the models.
"""

import pytest
from model_controllers import DEPLOYER, KINDS, settings_of
from models_to_serve import FLOWERS, Broken, Zeros, made, making
from ray_stacks import until

from stackfold.application.ports.tensors import tensors_of
from stackfold.domain.errors import DeploymentFailed, DeploymentUnavailable
from stackfold.infrastructure.flavors.kserve.model_deployer import KServeModelDeployer
from stackfold.infrastructure.flavors.seldon.model_deployer import SeldonModelDeployer
from stackfold.testing.contracts.model_deployer import ModelDeployerContract

MODEL = "training/train"
# The store of the tests is on this machine, where their pods are, too.
pytestmark = pytest.mark.filterwarnings("ignore::stackfold.domain.errors.WouldNotRun")


@pytest.fixture(params=[*KINDS])
def flavor(request):
    return request.param


@pytest.fixture
def ws(model_cluster):
    return model_cluster


class ClusterContract(ModelDeployerContract):
    deployer_class = KServeModelDeployer

    @pytest.fixture
    def flavor(self):
        return self.deployer_class.flavor

    @pytest.fixture
    def deployer(self, ws, cluster, tmp_path):
        settings = self.deployer_class.Configuration(**settings_of(cluster))
        return self.deployer_class(settings, tmp_path)

    @pytest.fixture
    def model(self, ws):
        return made(ws.home, stack="prod")

    @pytest.fixture
    def inputs(self):
        return tensors_of(FLOWERS)

    @pytest.fixture
    def expected(self):
        return [0, 1, 2]

    @pytest.fixture
    def unloadable(self, ws):
        return made(ws.home, making(Broken), "broken", stack="prod")


class TestKServeOnACluster(ClusterContract):
    pass


class TestSeldonOnACluster(ClusterContract):
    deployer_class = SeldonModelDeployer


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


def test_a_model_that_cannot_be_loaded_is_recorded_as_failed(ws, resources):
    configuration = {"environment": {"TEST_TROUBLE": "failed"}}
    ws.components.update(DEPLOYER, "serving", configuration)
    with pytest.raises(DeploymentFailed, match=r"failed: no such file: model\.joblib"):
        ws.deployments.deploy("flowers", MODEL)
    assert ws.deployments.get("flowers").status == "failed"
    assert resources.get("flowers") is None
