"""The experiment tracker `mlflow`: the contract, on a real server."""

import pytest

from stackfold.testing.contracts.experiment_tracker import ExperimentTrackerContract


class TestMlflow(ExperimentTrackerContract):
    @pytest.fixture
    def tool(self, mlflow_tool):
        return mlflow_tool
