"""What a pipeline returned, and what its steps took and made, by name."""

import pytest

from stackfold import FinishedRun, get_context
from stackfold.domain.pipelines.earlier_inputs import artifact
from stackfold.domain.pipelines.pipeline import Pipeline, step


@step
def first(value: int = 1) -> int:
    return value


@step(metadata={"team": "vision"})
def second(value: int, factor: int = 2) -> int:
    get_context().save_artifact(factor, "factor")
    return value * factor


def one():
    return second(first())


def several():
    data = first()
    return data, second(data)


def as_list():
    return [second(first())]


def by_key():
    data = first()
    return {"raw": data, "best": second(data)}


@pytest.mark.parametrize(
    ("function", "names", "result"),
    [
        (one, ["output"], 2),
        (several, ["first.output", "second.output"], (1, 2)),
        (as_list, ["output"], [2]),
        (by_key, ["raw", "best"], {"raw": 1, "best": 2}),
        (lambda: (first(), 3), [], None),
        (first, ["output"], 1),
    ],
)
def test_the_returned_outputs_of_a_run_have_names(ws, function, names, result):
    for _ in range(2):  # executed and cached
        run = ws.run(Pipeline(function, name="returning"))
        assert [*run.outputs] == names
        assert run.result() == result


def test_they_stay_with_the_run(ws):
    run = ws.run(Pipeline(by_key, name="returning"))
    again = ws.runs.rerun(run.id, Pipeline(by_key, name="returning"))
    assert FinishedRun.of(again, ws).outputs["best"].load() == 2
    assert ws.runs.describe(run.id).returns == {
        "kind": "dict",
        "outputs": [
            {"key": "raw", "step": "first", "output": "output"},
            {"key": "best", "step": "second", "output": "output"},
        ],
    }


def test_a_step_of_a_run_has_inputs_parameters_metadata_and_what_it_saved(ws):
    ws.run(Pipeline(one, name="returning"))

    def taking():
        second(artifact("returning/second"))

    step = ws.run(Pipeline(taking, name="taking")).steps["second"]
    assert step.inputs["value"].load() == 2
    assert step.inputs["value"].view.reference == "returning/second/output@1"
    assert (step.parameters, step.metadata) == ({"factor": 2}, {"team": "vision"})
    assert [each.load() for each in step.saved] == [2]


def test_an_output_of_a_run_is_an_input_elsewhere(ws):
    run = ws.run(Pipeline(by_key, name="returning"))

    def taking():
        return second(run.outputs["best"])

    taken = ws.run(Pipeline(taking, name="taking"))
    assert taken.result() == 4
    assert [*ws.runs.describe(taken.id).references.values()] == ["returning/second/output@1"]
