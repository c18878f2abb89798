"""The model deployer `mlflow`: the contract, on its real server."""

import importlib.util

import pytest
from contracts.deployed_models import DeployedModelsContract
from contracts.model_deployer import ModelDeployerContract

from stackfold.domain.errors import NoManifest
from stackfold.infrastructure.flavors.mlflow_model_deployer import MlflowModelDeployer


@pytest.fixture(scope="session", autouse=True)
def mlflow_installed():
    if importlib.util.find_spec("mlflow") is None:
        pytest.skip("no mlflow here: `make test-flavors` installs it")


class TestMlflow(ModelDeployerContract):
    @pytest.fixture(scope="class")
    @classmethod
    def flavor(cls):
        return MlflowModelDeployer


class TestMlflowByTheCommandLine(DeployedModelsContract):
    flavor = "mlflow"


def test_there_is_no_manifest(tmp_path):
    deployer = MlflowModelDeployer(MlflowModelDeployer.Configuration(), tmp_path)
    with pytest.raises(NoManifest, match="on this machine only: use the flavor kserve or seldon"):
        deployer.manifest(None)
