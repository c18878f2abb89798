"""The manifests of the model deployer `seldon`; no package has a schema that they must fit."""

import importlib.util

import pytest
from contracts.model_manifest import IMAGE, ModelManifestContract

from stackfold.infrastructure.flavors.seldon.model_deployer import SeldonModelDeployer


@pytest.fixture(scope="session", autouse=True)
def seldon_installed():
    if importlib.util.find_spec("mlserver") is None:
        pytest.skip("no mlserver here: `make test-flavors` installs it")


class TestSeldon(ModelManifestContract):
    @pytest.fixture
    def flavor(self):
        return SeldonModelDeployer

    def container(self, manifest):
        (predictor,) = manifest["spec"]["predictors"]
        (specification,) = predictor["componentSpecs"]
        (found,) = specification["spec"]["containers"]
        return found

    def test_its_node_container_and_model_have_one_name(self, manifest, on_s3):
        made = manifest(
            on_s3,
            image=IMAGE,
            replicas=2,
            service_account="reader",
            image_pull_secrets=["registry"],
        )
        assert (made["apiVersion"], made["kind"]) == (
            "machinelearning.seldon.io/v1",
            "SeldonDeployment",
        )
        assert made["spec"]["protocol"] == "v2"
        (predictor,) = made["spec"]["predictors"]
        assert predictor["replicas"] == 2
        assert predictor["graph"] == {
            "name": "flowers-2",
            "type": "MODEL",
            "endpoint": {"type": "REST", "httpPort": 9000, "grpcPort": 9500},
            "children": [],
        }
        (specification,) = predictor["componentSpecs"]
        assert specification["spec"]["serviceAccountName"] == "reader"
        assert specification["spec"]["imagePullSecrets"] == [{"name": "registry"}]
        container = self.container(made)
        assert container["name"] == "flowers-2"
        assert {"--name=flowers-2", "--port=9000", "--grpc-port=9500"} <= {*container["args"]}
