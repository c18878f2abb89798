"""Steps take artifacts of earlier runs, which a run looks up once and pins."""

from typing import Annotated

import pytest

from stackfold import Workspace, pipeline
from stackfold.domain.errors import InvalidPipeline, NotFound, RunFailed
from stackfold.domain.pipelines.earlier_inputs import artifact
from stackfold.domain.pipelines.output import Output
from stackfold.domain.pipelines.pipeline import Pipeline, step


@step
def load(rows: int) -> Annotated[int, Output("dataset")]:
    return rows


@Pipeline
def loading(rows: int = 1):
    load(rows)


executed = []


@step
def train(data: int, factor: int = 2) -> int:
    executed.append(data)
    return data * factor


@step
def total(parts: list[int]) -> int:
    return sum(parts)


@Pipeline
def training(reference: str = "dataset"):
    train(artifact(reference))


@pytest.fixture(autouse=True)
def nothing_executed():
    executed.clear()


def test_a_step_takes_an_artifact_of_another_pipeline(runs, workspace):
    runs.start(loading, {"rows": 5})
    run = runs.start(training)
    assert runs.load(run.id, "train") == 10
    (nearest, further) = workspace.artifacts.lineage("training/train").upstream
    assert (nearest.inputs, further.outputs) == ({"data": "dataset@1"}, ["dataset@1"])
    (used,) = workspace.artifacts.lineage("dataset@1").downstream
    assert used.pipeline == "training"


def test_equal_bytes_are_a_hit_and_other_bytes_are_not(runs):
    runs.start(loading, {"rows": 5})
    runs.start(training)
    runs.start(Pipeline(lambda: load.with_options(enable_cache=False)(5), name="again"))
    runs.start(training)  # version 2 has the bytes of version 1
    assert executed == [5]
    runs.start(loading, {"rows": 6})
    runs.start(training)
    runs.start(training, {"reference": "dataset@1"})
    assert executed == [5, 6]


def test_artifacts_can_be_collected_with_outputs(runs):
    for rows in (5, 6):
        runs.start(loading, {"rows": rows})

    def connect():
        total([artifact("dataset@1"), artifact("dataset@2"), train(artifact("dataset@1"))])

    run = runs.start(Pipeline(connect, name="totals"))
    assert runs.load(run.id, "total") == 5 + 6 + 10


def test_a_found_artifact_is_an_input(runs, workspace):
    runs.start(loading, {"rows": 5})
    found = workspace.artifacts.get("dataset")
    run = runs.start(Pipeline(lambda: total([found]), name="totals"))
    assert runs.load(run.id, "total") == 5
    run = runs.start(Pipeline(lambda: train(found), name="found"))
    assert runs.load(run.id, "train") == 10


def test_a_rerun_takes_the_same_version_unless_inputs_are_to_be_fresh(runs):
    runs.start(loading, {"rows": 5})
    first = runs.start(training)
    runs.start(loading, {"rows": 6})
    assert runs.load(runs.rerun(first.id, training).id, "train") == 10
    assert runs.load(runs.rerun(first.id, training, fresh_inputs=True).id, "train") == 12


def test_a_resumed_run_takes_the_version_that_it_began_with(runs):
    broken = [True]

    @step(enable_cache=False)
    def fail(data: int) -> int:
        if broken:
            raise ValueError
        return data

    pipeline = Pipeline(lambda: fail(artifact("dataset")), name="failing")
    runs.start(loading, {"rows": 5})
    with pytest.raises(RunFailed):
        runs.start(pipeline)
    runs.start(loading, {"rows": 6})
    broken.clear()
    assert runs.load(runs.resume("failing", pipeline).id, "fail") == 5


def test_an_artifact_of_another_store_is_read_from_there(runs, workspace, tmp_path):
    workspace.components.register("artifact_store", "other", "local", {"path": str(tmp_path / "o")})
    workspace.stacks.copy("default", "elsewhere")
    workspace.stacks.update("elsewhere", artifact_store="other")
    runs.start(loading, {"rows": 5}, stack="elsewhere")
    run = runs.start(training, configuration={"from_stack": "elsewhere"})
    assert runs.load(run.id, "train") == 10


def test_nothing_is_recorded_if_an_artifact_does_not_exist(runs):
    with pytest.raises(NotFound, match="dataset"):
        runs.start(training)
    assert not runs.list()


def test_an_artifact_has_no_value_while_a_pipeline_is_built():
    with pytest.raises(InvalidPipeline, match="artifact 'dataset' has no value"):
        Pipeline(lambda: train(artifact("dataset") + 1), name="adding").graph()


def test_outside_a_pipeline_function_there_is_no_artifact_to_give():
    with pytest.raises(InvalidPipeline, match=r"workspace\.artifacts\.load"):
        artifact("dataset")


def test_outputs_of_a_finished_run_are_loaded_and_given_to_another_pipeline():
    @pipeline
    def first():
        load(5)

    @pipeline
    def second():
        train(output)

    with Workspace.in_memory():
        output = first.run().steps["load"].outputs["dataset"]
        assert output.load() == 5
        assert second.run().steps["train"].outputs["output"].load() == 10
