"""The orchestrator `local`."""

import pytest
from contracts.orchestrator import DIAMOND, OrchestratorContract

from stackfold.infrastructure.flavors.local_orchestrator import LocalOrchestrator


class TestLocalOrchestrator(OrchestratorContract):
    @pytest.fixture
    def orchestrator(self, tmp_path):
        return LocalOrchestrator(LocalOrchestrator.Configuration(), tmp_path)

    def test_steps_are_executed_in_the_order_in_which_they_were_called(self, orchestrator):
        executed = []
        orchestrator.run(DIAMOND, lambda step, place=None: executed.append(step))
        assert executed == ["load", "left", "right", "join"]

    def test_the_first_failure_ends_the_run(self, orchestrator):
        executed = []

        def execute(step, place=None):
            executed.append(step)
            if step == "left":
                raise ValueError

        with pytest.raises(ValueError):  # noqa: PT011
            orchestrator.run(DIAMOND, execute)
        assert executed == ["load", "left"]
