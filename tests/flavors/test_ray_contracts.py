"""The orchestrator and the step operator `ray`, on a real cluster of one node."""

import cloudpickle
import pytest

from stackfold.infrastructure.flavors.ray.orchestrator import RayOrchestrator
from stackfold.infrastructure.flavors.ray.step_operator import RayStepOperator
from stackfold.testing.contracts import orchestrator, step_operator
from stackfold.testing.contracts.orchestrator import OrchestratorContract
from stackfold.testing.contracts.step_operator import StepOperatorContract

# The nodes cannot import the tests, as little as a script that was run.
cloudpickle.register_pickle_by_value(orchestrator)
cloudpickle.register_pickle_by_value(step_operator)


class TestRayOrchestrator(OrchestratorContract):
    width = 3

    @pytest.fixture
    def orchestrator(self, ray_node, tmp_path):
        return RayOrchestrator(RayOrchestrator.Configuration(max_parallel=self.width), tmp_path)


class TestRayStepOperator(StepOperatorContract):
    @pytest.fixture
    def operator(self, ray_node, tmp_path):
        return RayStepOperator(RayStepOperator.Configuration(), tmp_path)
