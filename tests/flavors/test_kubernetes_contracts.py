"""The orchestrator and the step operator `kubernetes`, on a real API server and Job controller."""

import cloudpickle
import pytest

from stackfold.infrastructure.flavors.kubernetes.orchestrator import KubernetesOrchestrator
from stackfold.infrastructure.flavors.kubernetes.step_operator import KubernetesStepOperator
from stackfold.testing.contracts import orchestrator, step_operator
from stackfold.testing.contracts.orchestrator import OrchestratorContract
from stackfold.testing.contracts.step_operator import StepOperatorContract

# The pods cannot import the tests, as little as a script that was run.
cloudpickle.register_pickle_by_value(orchestrator)
cloudpickle.register_pickle_by_value(step_operator)


# A step is stopped at any line of Python, also between opening a socket and keeping it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
class TestKubernetesOrchestrator(OrchestratorContract):
    width = 3

    @pytest.fixture
    def orchestrator(self, cluster, tmp_path):
        settings = cluster.settings(max_parallel=self.width)
        return KubernetesOrchestrator(KubernetesOrchestrator.Configuration(**settings), tmp_path)


class TestKubernetesStepOperator(StepOperatorContract):
    @pytest.fixture
    def operator(self, cluster, tmp_path):
        settings = cluster.settings(image="python")
        return KubernetesStepOperator(KubernetesStepOperator.Configuration(**settings), tmp_path)
