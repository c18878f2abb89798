"""The orchestrator and the step operator `ray`, on a real cluster of one node."""

import cloudpickle
import contracts.orchestrator
import contracts.step_operator
import pytest
from contracts.orchestrator import OrchestratorContract
from contracts.step_operator import StepOperatorContract

from stackfold.infrastructure.flavors.ray.orchestrator import RayOrchestrator
from stackfold.infrastructure.flavors.ray.step_operator import RayStepOperator

# The nodes cannot import the tests, as little as a script that was run.
cloudpickle.register_pickle_by_value(contracts.orchestrator)
cloudpickle.register_pickle_by_value(contracts.step_operator)


class TestRayOrchestrator(OrchestratorContract):
    width = 3

    @pytest.fixture
    def orchestrator(self, ray_node, tmp_path):
        return RayOrchestrator(RayOrchestrator.Configuration(max_parallel=self.width), tmp_path)


class TestRayStepOperator(StepOperatorContract):
    @pytest.fixture
    def operator(self, ray_node, tmp_path):
        return RayStepOperator(RayStepOperator.Configuration(), tmp_path)
