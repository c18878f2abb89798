"""The orchestrator `local`."""

import os

import pytest
from pydantic import ValidationError

from stackfold.infrastructure.flavors.local.orchestrator import LocalOrchestrator
from stackfold.testing.contracts.orchestrator import DIAMOND, OrchestratorContract, Steps, plan


def local(tmp_path, **configuration):
    return LocalOrchestrator(LocalOrchestrator.Configuration(**configuration), tmp_path)


class TestInline(OrchestratorContract):
    @pytest.fixture
    def orchestrator(self, tmp_path):
        return local(tmp_path)

    def test_steps_are_executed_in_the_order_in_which_they_were_called(self, orchestrator):
        steps = Steps()
        orchestrator.run(DIAMOND, steps)
        assert steps.ended == ["load", "left", "right", "join"]

    def test_the_first_failure_ends_the_run(self, orchestrator):
        steps = Steps(left=lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            orchestrator.run(DIAMOND, steps)
        assert steps.begun == ["load", "left"]


class TestThreads(OrchestratorContract):
    width = 3

    @pytest.fixture
    def orchestrator(self, tmp_path):
        return local(tmp_path, isolation="thread", max_parallel=self.width)


class TestProcesses(OrchestratorContract):
    width = 2

    @pytest.fixture
    def orchestrator(self, tmp_path):
        return local(tmp_path, isolation="process", max_parallel=self.width)

    def test_steps_are_executed_elsewhere(self, orchestrator):
        processes = []

        def execute(step, executor):
            processes.append(executor.execute(os.getpid))

        orchestrator.run(plan(one=(), two=("one",)), execute)
        assert os.getpid() not in processes
        assert len(set(processes)) == 1  # it waits for the next step

    def test_no_process_is_left_behind(self, orchestrator):
        processes = []

        def execute(step, executor):
            processes.append(executor.execute(os.getpid))

        orchestrator.run(plan(one=(), two=()), execute)
        for process in processes:
            with pytest.raises(ProcessLookupError):
                os.kill(process, 0)

    def test_a_step_starts_in_the_same_folder_and_environment(self, orchestrator, tmp_path):
        came = []

        def leave():
            os.chdir("/")
            os.environ["COLOUR"] = "blue"

        def execute(step, executor):
            executor.execute(leave)
            came.append(executor.execute(lambda: (os.getcwd(), os.environ.get("COLOUR"))))

        orchestrator.run(plan(only=()), execute)
        assert came == [(os.getcwd(), None)]


def test_without_configuration_it_is_inline(tmp_path):
    assert LocalOrchestrator.Configuration().isolation == "inline"


@pytest.mark.parametrize("wrong", [{"isolation": "fork"}, {"max_parallel": 0}])
def test_an_invalid_configuration_is_rejected(wrong):
    with pytest.raises(ValidationError):
        LocalOrchestrator.Configuration(**wrong)
