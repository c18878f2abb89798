"""The model deployer `kserve`: the contract, on its real server."""

import importlib.util

import pytest
from contracts.deployed_models import DeployedModelsContract
from contracts.local_model_servers import LocalModelServersContract

from stackfold.infrastructure.flavors.kserve.model_deployer import KServeModelDeployer


@pytest.fixture(scope="session", autouse=True)
def kserve_installed():
    if importlib.util.find_spec("kserve") is None:
        pytest.skip("no kserve here: `make test-flavors` installs it")


class TestKserve(LocalModelServersContract):
    @pytest.fixture(scope="class")
    @classmethod
    def flavor(cls):
        return KServeModelDeployer


class TestKserveByTheCommandLine(DeployedModelsContract):
    flavor = "kserve"
