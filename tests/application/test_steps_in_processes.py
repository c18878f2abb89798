"""What steps reach from the processes of the local orchestrator."""

import pytest
from steps_on_engines import StepsOnEngineContract


@pytest.mark.slow
class TestStepsInProcesses(StepsOnEngineContract):
    @pytest.fixture
    def engine(self):
        return "local", {"isolation": "process", "max_parallel": 2}
