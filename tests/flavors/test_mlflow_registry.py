"""The model registry `mlflow`: the contract, on a real server."""

import pytest

from stackfold.testing.contracts.model_registry import ModelRegistryContract


class TestMlflowRegistry(ModelRegistryContract):
    @pytest.fixture
    def flavor(self):
        return "mlflow"

    @pytest.fixture
    def configuration(self, mlflow_tool):
        return {"tracking_uri": mlflow_tool.url}

    @pytest.fixture
    def unreachable(self):
        return {"tracking_uri": "http://127.0.0.1:1", "timeout": 3, "retries": 0}
