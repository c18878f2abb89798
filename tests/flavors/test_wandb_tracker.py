"""The experiment tracker `wandb`: the contract, offline; what it wrote is read from its files."""

import pytest

from stackfold.testing.contracts.experiment_tracker import ExperimentTrackerContract


class TestWandb(ExperimentTrackerContract):
    @pytest.fixture
    def tool(self, wandb_tool):
        return wandb_tool
