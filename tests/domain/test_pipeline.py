"""Steps called inside a pipeline function make a graph; everything is checked while it is made."""

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import cloudpickle
import pytest
from pydantic import BaseModel

from stackfold.domain.errors import InvalidName, InvalidPipeline
from stackfold.domain.graph import Output
from stackfold.domain.pipeline import Pipeline, Step, step


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


def refused(function, *args, **kwargs) -> str:
    """The one line that says why the pipeline is refused."""
    with pytest.raises(InvalidPipeline) as caught:
        graph_of(function, *args, **kwargs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# -- the graph


def test_a_step_called_outside_a_pipeline_is_the_plain_function():
    assert split([1, 2, 3, 4]) == ([1, 2], [3, 4])
    assert train(data=[1, 2], rate=2.0) == 6.0


def test_calling_steps_builds_the_graph_in_topological_order():
    def training():
        first, second = split(load())
        train(second, 0.1)
        announce(train(first, 0.2))

    graph = graph_of(training)
    assert [(node.name, node.upstream) for node in graph.nodes] == [
        ("load", ()),
        ("split", ("load",)),
        ("train", ("split",)),
        ("train_2", ("split",)),
        ("announce", ("train_2",)),
    ]
    assert graph.pipeline == "training"


def test_an_output_is_an_edge_and_a_plain_value_a_parameter():
    def training():
        data, _ = split(load(), share=0.8)
        train(data, rate=0.1)

    node = graph_of(training).nodes[2]
    assert {name: (out.step, out.name) for name, out in node.inputs.items()} == {
        "data": ("split", "train")
    }
    assert node.arguments == {"rate": 0.1}
    assert node.parameters == {"rate": 0.1, "options": None}


def test_no_step_is_executed_while_the_graph_is_built():
    executed = []

    @step
    def work() -> None:
        executed.append(1)

    graph_of(calling(work))
    assert executed == []


def test_steps_called_by_a_helper_function_belong_to_the_pipeline_too():
    def both(data):
        return train(data, 0.1), train(data, 0.2)

    def training():
        both(load())

    assert [node.name for node in graph_of(training).nodes] == ["load", "train", "train_2"]


def test_a_node_is_named_once_even_if_a_step_is_called_like_a_repeated_one():
    @step(name="load_2")
    def other() -> int:
        return 1

    def training():
        load()
        other()
        load()
        load()
        other()

    names = [node.name for node in graph_of(training).nodes]
    assert names == ["load", "load_2", "load_3", "load_4", "load_2_2"]


def test_two_calls_of_a_pipeline_are_two_graphs():
    pipeline = Pipeline(calling(load), name="twice")
    assert pipeline.graph().nodes[0].name == pipeline.graph().nodes[0].name == "load"


def test_parameters_of_the_pipeline_are_validated_and_kept_as_json():
    def training(rate: float, options: Options, rows: int = 5):
        assert isinstance(options, Options)
        train(load(rows), rate, options)

    graph = graph_of(training, "0.5", options={"depth": 7})
    assert graph.parameters == {"rate": 0.5, "options": {"depth": 7}, "rows": 5}
    assert graph.nodes[1].arguments == {"rate": 0.5, "options": Options(depth=7)}


def test_a_pipeline_says_where_it_is():
    def training():
        load()

    assert graph_of(training).source == f"{__file__}:training"


# -- outputs and their names


@step
def unhinted():
    return 1


@step
def pair() -> tuple[int, str]:
    return 1, "a"


@step
def many() -> tuple[int, ...]:
    return 1, 2


@step
def noted() -> Annotated[tuple[int, int], "both"]:
    return 1, 2


@pytest.mark.parametrize(
    ("function", "names"),
    [
        (unhinted, ["output"]),
        (load, ["output"]),
        (train, ["model"]),
        (split, ["train", "test"]),
        (pair, ["output_0", "output_1"]),
        (many, ["output"]),
        (noted, ["both"]),
        (announce, []),
    ],
)
def test_type_hints_name_the_outputs(function, names):
    assert [output.name for output in function.signature.outputs] == names


def test_several_outputs_are_a_tuple_and_one_is_not():
    def training():
        assert isinstance(load(), Output)
        assert [output.name for output in split(load())] == ["train", "test"]
        assert announce(train(load(), 0.1)) is None

    graph_of(training)


def test_type_hints_may_be_text():
    @step
    def late(x: "int") -> "tuple[Annotated[int, 'a'], Annotated[Options, 'b']]":
        return x, Options()

    assert [output.name for output in late.signature.outputs] == ["a", "b"]


def test_type_hints_may_name_what_the_enclosing_function_knows():
    @dataclass
    class Local:
        x: int

    @step
    def make(local: "Local") -> "Local":
        return Local(local.x)

    assert make.signature.hints == {"local": Local}


# -- names and options


def test_options_are_given_to_the_decorator():
    @step(name="fit", step_operator="gpu")
    def train_on_gpu() -> int:
        """Train."""
        return 1

    assert (train_on_gpu.name, train_on_gpu.step_operator) == ("fit", "gpu")
    assert (train_on_gpu.__name__, train_on_gpu.__doc__) == ("train_on_gpu", "Train.")
    assert load.step_operator is False


def test_a_private_function_lends_its_name_without_the_underscore():
    @step
    def _load() -> int:
        return 1

    assert _load.name == "load"


@pytest.mark.parametrize("make", [Step, Pipeline])
def test_a_name_obeys_the_rule_for_names(make):
    with pytest.raises(InvalidName):
        make(load, name="a/b")


def test_a_step_can_travel_to_another_process():
    graph_of(calling(load))
    there = pickle.loads(cloudpickle.dumps(load))
    assert (there.name, there(3)) == ("load", [0, 1, 2])


# -- refusals


def test_an_unknown_parameter_is_refused():
    line = refused(
        lambda: load(row=3),
    )
    assert line == "step 'load' has no parameter 'row': it takes rows"
    assert "has no parameter 'x'" in refused(load, x=1)


def test_a_missing_input_is_refused():
    assert refused(lambda: train(options=None)) == "step 'train' needs 'data', 'rate'"
    assert "needs 'x'" in refused(lambda x: load())


def test_too_many_inputs_are_refused():
    assert refused(lambda: load(1, 2)) == "step 'load' takes 1 inputs, 2 were given"


def test_an_input_given_twice_is_refused():
    assert refused(lambda: load(1, rows=2)) == "step 'load' is given 'rows' twice"


def test_a_wrong_type_is_refused():
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
        ([Matrix()], "a list"),
        (float("nan"), "the number nan"),
        ({"a": [float("inf")]}, "the number inf"),
        (2**63, "an integer over 64 bits"),
        ("\ud800", "a text with half a surrogate pair"),
        (len, "a builtin_function_or_method"),
    ],
)
def test_a_parameter_that_json_cannot_carry_is_refused(value, what):
    line = refused(lambda: anything(value))
    assert line == (
        "parameter 'value' of step 'anything' cannot be written as JSON: it is or holds "
        f"{what}; let a step produce it instead"
    )


def test_a_class_that_pydantic_does_not_know_can_flow_but_not_be_a_parameter():
    def training():
        multiply(multiply(anything()))

    assert len(graph_of(training).nodes) == 3
    assert "cannot be written as JSON" in refused(lambda: multiply(Matrix()))
    assert "it should be an instance of Matrix" in refused(lambda: multiply(3))


def test_parameters_are_recorded_as_json():
    def training():
        anything(Path("a/b"))
        anything((1, {"b": None}))

    recorded = [node.parameters["value"] for node in graph_of(training).nodes]
    assert recorded == ["a/b", [1, {"b": None}]]


def test_a_default_that_json_cannot_carry_is_refused():
    @step
    def odd(matrix=Matrix()):  # noqa: B008
        return matrix

    assert "parameter 'matrix' of step 'odd' cannot be written as JSON" in refused(calling(odd))


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


def test_outputs_inside_a_list_are_refused():
    line = refused(lambda: train([load(), load()], 0.1))
    assert line == (
        "parameter 'data' of step 'train' holds outputs of steps in a list: hand them over "
        "one by one"
    )


def test_an_output_of_another_pipeline_is_refused():
    kept = []
    graph_of(lambda: kept.append(load()))
    line = refused(lambda: (load(), announce(kept[0])))
    assert "from another call of a pipeline" in line


def test_a_pipeline_inside_a_pipeline_is_refused():
    inner = Pipeline(calling(load), name="inner")
    assert "is called inside another pipeline" in refused(calling(inner.graph))


def test_a_pipeline_without_a_step_is_refused():
    assert refused(lambda: None) == "pipeline 'training' calls no step"


def test_an_error_in_the_pipeline_function_is_said_with_its_line():
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


def test_functions_that_cannot_be_a_step_are_refused():
    assert "takes *args or **kwargs" in refused(Step(lambda *args: 1, name="f"))
    assert "cannot be given by name" in refused(lambda: Step(lambda x, /: 1, name="f")(1))
    assert "is async" in refused(calling(step(later)))


def test_a_hint_that_names_nothing_is_refused():
    @step
    def lost(x: "Missing") -> int:  # noqa: F821
        return 1

    assert "a type hint of step 'lost' cannot be read" in refused(lambda: lost(1))


def test_outputs_named_alike_are_refused():
    @step
    def twins() -> tuple[Annotated[int, "a"], Annotated[int, "a"]]:
        return 1, 2

    assert refused(calling(twins)) == "step 'twins' names two outputs alike: a, a"
