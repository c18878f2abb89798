"""The model deployer `seldon`: the contract, on its real server."""

import importlib.util
import json
import sys

import pytest
from contracts.deployed_models import DeployedModelsContract
from contracts.local_model_servers import LocalModelServersContract
from models_to_serve import making

from stackfold.infrastructure.flavors.seldon.model_deployer import SeldonModelDeployer
from stackfold.infrastructure.workspace import Workspace


@pytest.fixture(scope="session", autouse=True)
def seldon_installed():
    if importlib.util.find_spec("mlserver") is None:
        pytest.skip("no mlserver here: `make test-flavors` installs it")


class TestSeldon(LocalModelServersContract):
    @pytest.fixture(scope="class")
    @classmethod
    def flavor(cls):
        return SeldonModelDeployer


class TestSeldonByTheCommandLine(DeployedModelsContract):
    flavor = "seldon"

    def test_a_class_of_the_project_is_found(self, stackfold, home, monkeypatch):
        (home / "shop.py").write_text(
            "class Shop:\n    def predict(self, rows):\n        return rows.sum(axis=1)\n"
        )
        monkeypatch.syspath_prepend(home)
        shop = importlib.import_module("shop")
        monkeypatch.setitem(sys.modules, "shop", shop)  # and forgotten afterwards
        with Workspace.open(home) as ws:
            ws.runs.start(making(shop.Shop))
        stackfold("init")
        stackfold("deployment", "deploy", "shop", "making/make")
        predicted = stackfold("deployment", "predict", "shop", "[[1, 2], [3, 4]]")
        assert json.loads(predicted) == [3, 7]
