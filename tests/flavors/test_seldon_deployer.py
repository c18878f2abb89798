"""The model deployer `seldon`: the contract, on its real server."""

import importlib.util

import pytest
from contracts.deployed_models import DeployedModelsContract
from contracts.model_deployer import ModelDeployerContract

from stackfold.infrastructure.flavors.seldon_model_deployer import SeldonModelDeployer


@pytest.fixture(scope="session", autouse=True)
def seldon_installed():
    if importlib.util.find_spec("mlserver") is None:
        pytest.skip("no mlserver here: `make test-flavors` installs it")


class TestSeldon(ModelDeployerContract):
    @pytest.fixture(scope="class")
    @classmethod
    def flavor(cls):
        return SeldonModelDeployer


class TestSeldonByTheCommandLine(DeployedModelsContract):
    flavor = "seldon"
