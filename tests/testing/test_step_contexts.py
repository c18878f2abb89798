"""Steps that use their context are tested as functions, without a run."""

import logging

import pytest

from stackfold import ComponentType, Workspace, get_context, pipeline, step
from stackfold.errors import Invalid, NotInStep
from stackfold.testing import step_context


@step
def train(epochs: int) -> float:
    context = get_context()
    for epoch in range(epochs):
        context.tracker.log_metrics({"loss": 1 / (1 + epoch)}, step=epoch)
    context.tracker.log_parameters({"solver": "saga"})
    context.log_metadata({"rows": 3})
    context.log_metadata({"dtype": "f4"}, output="output")
    context.add_tags("nightly")
    return 0.5


def test_a_step_is_called_as_a_function_and_what_it_records_can_be_checked():
    with step_context(train) as context:
        assert train(2) == 0.5
    assert context.metrics == {"loss": [1.0, 0.5]}
    assert context.parameters == {"solver": "saga"}
    assert context.logged == {
        "metrics": {"loss": 0.5},
        "parameters": {"solver": "saga"},
        "rows": 3,
    }
    assert context.output_metadata["output"].metadata == {"dtype": "f4"}
    assert context.tags == ("nightly",)
    assert context.omitted == []


def test_a_run_records_the_same():
    with step_context(train) as context:
        train(2)

    @pipeline
    def training():
        train(2)

    with Workspace.in_memory() as ws:
        (recorded,) = ws.runs.describe(ws.run(training).id).steps
    assert context.logged == recorded.metadata
    assert [*context.tags] == recorded.tags


def test_what_a_run_would_omit_is_listed(caplog):
    with caplog.at_level(logging.CRITICAL), step_context(train) as context:
        context.log_metadata({"x": object()})
        context.log_metadata({"x": 1}, output="model")
        context.tracker.log_metrics({"loss": "high"})  # type: ignore[dict-item]
    assert len(context.omitted) == 3
    assert "output 'model': it returns output" in context.omitted[1]


def test_without_the_step_any_output_can_have_metadata():
    with step_context("any") as context:
        get_context().log_metadata({"x": 1}, output="model")
    assert context.output_metadata["model"].metadata == {"x": 1}
    assert not context.omitted


def test_files_and_models_are_listed_by_name(tmp_path):
    (tmp_path / "report.txt").write_text("fine")
    with step_context() as context:
        context.tracker.log_artifact(tmp_path / "report.txt")
        context.tracker.log_model(tmp_path, "small")
        with pytest.raises(Invalid, match="does not exist"):
            context.tracker.log_artifact(tmp_path / "none")
    assert context.artifacts == {"report.txt": tmp_path / "report.txt"}
    assert context.models == {"small": tmp_path}


def test_the_facts_of_the_run_can_be_chosen():
    stores = {ComponentType.ARTIFACT_STORE: {"path": "/data"}}
    with step_context("s", pipeline="p", stack="prod", configurations=stores):
        context = get_context()
        assert (context.step, context.pipeline, context.pin.stack) == ("s", "p", "prod")
        assert context.artifact_store.configuration == {"path": "/data"}


def test_there_is_no_context_after_the_block_even_if_it_raises():
    @step
    def fail():
        assert get_context().step == "inner"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), step_context(), step_context("inner"):
        fail()
    with pytest.raises(NotInStep):
        get_context()
