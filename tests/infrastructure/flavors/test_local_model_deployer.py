"""The model deployer `local`: the contracts, on its real server."""

import pytest
from contracts.deployed_models import DeployedModelsContract
from contracts.local_model_servers import LocalModelServersContract

from stackfold.domain.errors import NoManifest
from stackfold.infrastructure.flavors.local.model_deployer import LocalModelDeployer
from stackfold.testing import ModelDeployerContract

pytestmark = pytest.mark.slow


class TestLocal(LocalModelServersContract):
    @pytest.fixture(scope="class")
    @classmethod
    def flavor(cls):
        return LocalModelDeployer


class TestLocalByTheCommandLine(DeployedModelsContract):
    flavor = "local"


class TestLocalByTheShippedContract(ModelDeployerContract):
    @pytest.fixture
    def deployer(self, tmp_path):
        return LocalModelDeployer(LocalModelDeployer.Configuration(), tmp_path)


def test_there_is_no_manifest(tmp_path):
    deployer = LocalModelDeployer(LocalModelDeployer.Configuration(), tmp_path)
    with pytest.raises(NoManifest, match="on this machine only: use the flavor kserve or seldon"):
        deployer.manifest(None)
