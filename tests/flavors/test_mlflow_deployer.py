"""The model deployer `mlflow`: the contract, on its real server."""

import importlib.util

import pytest
from contracts.model_deployer import ModelDeployerContract

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
