"""Pickles are refused where somebody says so, in a run and after it."""

import pytest
from runnable import OPERATOR

from stackfold.domain.errors import PickleForbidden, RunFailed
from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.domain.pipelines.run_configuration import RunConfiguration


class Odd:
    pass


@step(enable_cache=False)
def make() -> Odd:
    return Odd()


@step
def take(odd: Odd) -> str:
    return type(odd).__name__


def work():
    take(make())


NO_PICKLE = RunConfiguration(no_pickle=True)


def refused(runs, pipeline, **options):
    with pytest.raises(RunFailed) as caught:
        runs.start(pipeline, **options)
    assert isinstance(caught.value.__cause__, PickleForbidden)
    assert "Odd can only be stored as a pickle, and this store allows no pickles" in str(
        caught.value
    )
    assert caught.value.step == "make"


def test_a_run_refuses_to_write_a_pickle(workspace, runs):
    refused(runs, Pipeline(work), configuration=NO_PICKLE)
    assert not list((workspace.home / "artifacts").glob("??/*"))


def test_a_pipeline_may_refuse_them_for_all_its_runs(runs):
    refused(runs, Pipeline(work, no_pickle=True))
    runs.start(Pipeline(work, no_pickle=True), configuration=RunConfiguration(no_pickle=False))


def test_they_are_refused_in_another_process_too(workspace, runs):
    workspace.components.register(OPERATOR, "elsewhere", "local")
    workspace.stacks.register(
        "both", orchestrator="default", artifact_store="default", step_operator="elsewhere"
    )

    def far():
        take(make.with_options(step_operator=True)())

    refused(runs, Pipeline(far), configuration=NO_PICKLE, stack="both")


def test_a_run_that_refuses_them_stays_so_when_it_is_repeated_or_resumed(runs):
    refused(runs, Pipeline(work), configuration=NO_PICKLE)
    failed = runs.list()[0]
    for again in (runs.rerun, runs.resume):
        with pytest.raises(RunFailed, match="this store allows no pickles"):
            again(failed.id, Pipeline(work))


def test_plain_values_are_not_refused(runs):
    def plain():
        step(name="only")(lambda: {"a": (1, 2)})()

    assert runs.start(Pipeline(plain), configuration=NO_PICKLE).status == "completed"


def test_a_pickle_is_loaded_only_by_those_who_do_not_refuse_it(runs):
    run = runs.start(Pipeline(work))
    with pytest.raises(PickleForbidden, match="is a pickle"):
        runs.load(run.id, "make", no_pickle=True)
    assert type(runs.load(run.id, "make")) is Odd
    assert runs.load(run.id, "take", no_pickle=True) == "Odd"
