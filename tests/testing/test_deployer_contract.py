"""The contract of model deployers, on the one of the examples and on the one of our tests."""

from pathlib import Path

import pytest
from plain_deployer import PlainDeployer

from stackfold.flavors import Tensor
from stackfold.testing import ModelDeployerContract, model_to_serve

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[2] / "examples"


# Its servers outlive the objects that started them.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
class TestSmallDeployer(ModelDeployerContract):
    @pytest.fixture
    def deployer(self, tmp_path, monkeypatch):
        monkeypatch.syspath_prepend(str(EXAMPLES))
        from small_deployer import SmallDeployer

        return SmallDeployer(SmallDeployer.Configuration(patience=60), tmp_path)


class TestPlainDeployer(ModelDeployerContract):
    @pytest.fixture
    def deployer(self, tmp_path):
        return PlainDeployer(PlainDeployer.Configuration(patience=60), tmp_path)

    @pytest.fixture
    def model(self):
        return model_to_serve({"first": 1.0, "second": 2.0})

    @pytest.fixture
    def invalid_inputs(self):
        return [Tensor("input-0", "FP64", [1, 3], [1.0, 2.0, 3.0])]
