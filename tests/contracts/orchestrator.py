"""What every orchestrator must do."""

import random

import pytest

from stackfold.application.ports import Orchestrator, RunPlan
from stackfold.domain.run import StepDefinition


def plan(**upstream: tuple[str, ...]) -> RunPlan:
    """Step → the steps that must come before it, in topological order."""
    steps = tuple(StepDefinition(name=name, upstream=above) for name, above in upstream.items())
    return RunPlan(run="a run", pipeline="training", steps=steps)


DIAMOND = plan(load=(), left=("load",), right=("load",), join=("left", "right"))


class OrchestratorContract:
    """Derive, and provide the fixture `orchestrator`."""

    @pytest.fixture
    def orchestrator(self) -> Orchestrator:
        """An orchestrator that can execute a function of this process."""
        raise NotImplementedError

    def test_each_step_is_executed_once(self, orchestrator):
        executed = []
        orchestrator.run(DIAMOND, lambda step, place=None: executed.append(step))
        assert sorted(executed) == ["join", "left", "load", "right"]

    @pytest.mark.parametrize("seed", range(10))
    def test_a_step_is_executed_after_all_that_are_upstream_of_it(self, orchestrator, seed):
        chance = random.Random(seed)
        names = [f"step{number}" for number in range(20)]
        graph = {
            name: tuple(chance.sample(names[:place], k=min(place, chance.randrange(4))))
            for place, name in enumerate(names)
        }
        completed = set()

        def execute(step, place=None):
            assert completed.issuperset(graph[step])
            completed.add(step)

        orchestrator.run(plan(**graph), execute)
        assert completed == set(names)

    def test_a_failing_step_fails_the_run_with_what_it_raised(self, orchestrator):
        error = ZeroDivisionError("of the step")

        def execute(step, place=None):
            if step == "left":
                raise error

        with pytest.raises(ZeroDivisionError) as caught:
            orchestrator.run(DIAMOND, execute)
        assert caught.value is error

    def test_nothing_downstream_of_a_failing_step_is_executed(self, orchestrator):
        executed = []

        def execute(step, place=None):
            executed.append(step)
            if step == "left":
                raise ValueError

        with pytest.raises(ValueError):  # noqa: PT011
            orchestrator.run(DIAMOND, execute)
        assert "join" not in executed
        assert executed.count("left") == 1

    @pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
    def test_an_interruption_ends_the_run(self, orchestrator, error):
        def execute(step, place=None):
            raise error

        with pytest.raises(error):
            orchestrator.run(DIAMOND, execute)

    def test_a_chain_may_be_long(self, orchestrator):
        chain = {f"s{n}": (f"s{n - 1}",) if n else () for n in range(3000)}
        executed = []
        orchestrator.run(plan(**chain), lambda step, place=None: executed.append(step))
        assert executed == list(chain)

    def test_an_orchestrator_serves_many_runs(self, orchestrator):
        for _ in range(2):
            executed = []
            orchestrator.run(plan(one=(), two=("one",)), lambda step, place=None: executed.append(step))
            assert executed == ["one", "two"]
