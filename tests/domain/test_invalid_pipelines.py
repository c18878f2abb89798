"""An invalid pipeline is reported in one line, before anything is executed."""

from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import BaseModel

from stackfold.domain.errors import InvalidPipeline
from stackfold.domain.pipelines.pipeline import Pipeline, Step, step


class Matrix:
    """A class that pydantic knows nothing of."""


class Options(BaseModel):
    depth: int = 3


@step
def load(rows: int = 10) -> list[int]:
    return list(range(rows))


@step
def split(
    data: list[int], share: float = 0.5
) -> tuple[Annotated[list[int], "train"], Annotated[list[int], "test"]]:
    middle = int(len(data) * share)
    return data[:middle], data[middle:]


@step
def train(
    data: list[int], rate: float, options: Options | None = None
) -> Annotated[float, "model"]:
    return sum(data) * rate


@step
def announce(model: float) -> None:
    pass


def graph_of(function, *args, **kwargs):
    return Pipeline(function, name="training").graph(*args, **kwargs)


def calling(step):
    """A pipeline function that does nothing but call a step."""

    def training():
        step()

    return training


def calling_after(other):
    """A pipeline function that calls a step after something."""

    def training():
        load.after(other)()

    return training


def refused(function, *args, **kwargs) -> str:
    """The one line that says why the pipeline is refused."""
    with pytest.raises(InvalidPipeline) as caught:
        graph_of(function, *args, **kwargs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_unknown_parameter_is_rejected():
    line = refused(
        lambda: load(row=3),
    )
    assert line == "step 'load' has no parameter 'row': it takes rows"
    assert "has no parameter 'x'" in refused(load, x=1)


def test_a_missing_input_is_rejected():
    assert refused(lambda: train(options=None)) == "step 'train' needs 'data', 'rate'"
    assert "needs 'x'" in refused(lambda x: load())


def test_too_many_inputs_are_rejected():
    assert refused(lambda: load(1, 2)) == "step 'load' takes 1 input, but 2 were given"


def test_an_input_given_twice_is_rejected():
    assert refused(lambda: load(1, rows=2)) == "step 'load' is given 'rows' twice"


def test_a_wrong_type_is_rejected():
    assert refused(lambda: load(rows="many")) == (
        "parameter 'rows' of step 'load': it should be a valid integer, unable to parse string "
        "as an integer, not 'many'"
    )
    assert "options.depth" not in refused(lambda: train([], 1, {"depth": "x"}))
    assert "depth: it should be a valid integer" in refused(lambda: train([], 1, {"depth": "x"}))


@step
def anything(value: Any = None):
    return value


@step
def multiply(matrix: Matrix) -> Matrix:
    return matrix


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (Matrix(), "a Matrix"),
        ([Matrix()], "a Matrix"),
        ({"a": ({1: Matrix()},)}, "a Matrix"),
        (len, "a builtin_function_or_method"),
    ],
)
def test_a_parameter_that_cannot_be_recorded_is_rejected(value, what):
    line = refused(lambda: anything(value))
    assert line == (
        "parameter 'value' of step 'anything' cannot be recorded: it is or contains "
        f"{what}; let a step return it, and pass the output of that step"
    )


def test_an_object_without_a_pydantic_schema_can_be_an_output_but_not_a_parameter():
    def training():
        multiply(multiply(anything()))

    assert len(graph_of(training).nodes) == 3
    assert "cannot be recorded" in refused(lambda: multiply(Matrix()))
    assert "it should be an instance of Matrix" in refused(lambda: multiply(3))


def test_parameters_are_recorded_as_exact_json():
    def training():
        anything(Path("a/b"))
        anything((1, {"b": None}))

    recorded = [node.parameters["value"] for node in graph_of(training).nodes]
    assert recorded == [{"$path": "a/b"}, {"$tuple": [1, {"b": None}]}]


def test_a_default_that_cannot_be_recorded_is_rejected():
    @step
    def odd(matrix=Matrix()):  # noqa: B008
        return matrix

    assert "parameter 'matrix' of step 'odd' cannot be recorded" in refused(calling(odd))


def test_an_output_has_no_value_yet():
    def branching():
        if train(load(), 0.1) > 0.5:
            announce(1.0)

    def truth():
        if load():
            announce(1.0)

    def equality():
        return load() == [1]

    def looping():
        for _ in load():
            announce(1.0)

    for function in (branching, truth, equality, lambda: load()[0], lambda: load().size):
        assert "has no value while the pipeline is built" in refused(function)
    assert "step 'load' has one output, 'output'" in refused(looping)


def test_a_list_contains_outputs_or_values_but_not_both():
    assert refused(lambda: train([load(), 3], 0.1)) == (
        "parameter 'data' of step 'train' mixes outputs of steps with other values in a list: "
        "pass only outputs, or only values"
    )
    assert "in a set, which has no order" in refused(lambda: train({load()}, 0.1))
    assert "mixes outputs" in refused(lambda: train({1: load()}, 0.1))
    assert "inside other values" in refused(lambda: anything([[load()]]))


def test_a_step_without_outputs_can_be_waited_for_but_not_passed():
    line = refused(lambda: announce(announce(train(load(), 0.1))))
    assert line == (
        "parameter 'model' of step 'announce' is given step 'announce', which has no output: "
        "annotate its return value, or use after()"
    )
    assert "step 'announce' has no output while" in refused(lambda: bool(announce(1.0)))


def test_a_step_can_only_wait_for_what_steps_returned():
    line = refused(calling_after("train"))
    assert (
        line == "step 'load' can only wait for what a step or a pipeline returned, not for 'train'"
    )
    kept = []
    graph_of(lambda: kept.append(load()))
    assert "in another graph" in refused(calling_after(kept[0]))


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (
            {"retry": 1},
            "option 'retry' of step 'load': unknown option; valid options: step_operator",
        ),
        (
            {"retries": -1},
            "option 'retries' of step 'load': it should be greater than or equal to 0",
        ),
        (
            {"retries": "often"},
            "it should be a valid integer, unable to parse string as an integer",
        ),
        ({"timeout": 0}, "option 'timeout' of step 'load': it should be greater than 0, not 0"),
        ({"delay": float("inf")}, "option 'delay' of step 'load': it should be a finite number"),
        (
            {"backoff": 0.5},
            "option 'backoff' of step 'load': it should be greater than or equal to 1",
        ),
        ({"tags": ["a b"]}, "option 'tags' of step 'load': 'a b' cannot be a tag"),
        ({"metadata": {"x": object()}}, "is or contains an object, which JSON cannot represent"),
        ({"on_start": 3}, "option 'on_start' of step 'load': it should be callable, not 3"),
    ],
)
def test_options_are_checked_where_they_are_given(options, line):
    with pytest.raises(InvalidPipeline) as caught:
        load.with_options(**options)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_output_of_another_graph_is_rejected():
    kept = []
    graph_of(lambda: kept.append(load()))
    line = refused(lambda: (load(), announce(kept[0])))
    assert "in another graph" in line


def test_a_graph_is_not_built_inside_a_pipeline():
    inner = Pipeline(calling(load), name="inner")
    assert "call the pipeline to add its steps" in refused(calling(inner.graph))


def test_a_pipeline_that_calls_itself_is_rejected():
    def circular():
        other()

    def back():
        circular()

    circular, other = Pipeline(circular, name="circular"), Pipeline(back, name="back")
    with pytest.raises(InvalidPipeline) as caught:
        circular.graph()
    assert str(caught.value) == ("pipeline 'circular' calls itself: circular -> back -> circular")


def test_calling_a_pipeline_of_the_domain_does_not_run_it():
    with pytest.raises(InvalidPipeline, match="is called outside a pipeline: start a run of it"):
        Pipeline(load, name="training")()


def test_a_pipeline_without_a_step_is_rejected():
    assert refused(lambda: None) == "pipeline 'training' calls no step"


def test_an_error_in_the_pipeline_function_is_reported_with_its_line():
    def training():
        load()
        1 / 0  # noqa: B018

    first = training.__code__.co_firstlineno
    assert refused(training) == (
        f"pipeline 'training' raised ZeroDivisionError in line {first + 2} while its steps were "
        "connected: division by zero"
    )


def test_an_error_does_not_leave_the_graph_open():
    refused(lambda: load(rows="many"))
    assert load(2) == [0, 1]


async def later() -> int:
    return 1


def test_functions_that_cannot_be_a_step_are_rejected():
    assert "takes *args or **kwargs" in refused(Step(lambda *args: 1, name="f"))
    assert "cannot be given by name" in refused(lambda: Step(lambda x, /: 1, name="f")(1))
    assert "is async" in refused(calling(step(later)))


def test_a_hint_with_an_undefined_name_is_any():
    @step
    def lost(x: "Missing") -> int:  # noqa: F821
        return 1

    (node,) = graph_of(lambda: lost(1)).nodes
    assert node.step.signature.unknown_hints == ("x",)


def test_outputs_with_the_same_name_are_rejected():
    @step
    def twins() -> tuple[Annotated[int, "a"], Annotated[int, "a"]]:
        return 1, 2

    assert refused(calling(twins)) == "step 'twins' gives two outputs the same name: a, a"
