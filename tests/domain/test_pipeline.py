"""Steps that are called inside a pipeline function make a graph, which is validated."""

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import cloudpickle
import pytest
from pydantic import BaseModel

from stackfold.domain.errors import InvalidName
from stackfold.domain.pipelines.graph import StepOutput
from stackfold.domain.pipelines.pipeline import Pipeline, Step, step


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


# -- the graph


def test_a_step_called_outside_a_pipeline_calls_the_function():
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


def test_an_output_is_an_edge_and_another_value_a_parameter():
    def training():
        data, _ = split(load(), share=0.8)
        train(data, rate=0.1)

    node = graph_of(training).nodes[2]
    assert {name: (out.step, out.name) for name, out in node.inputs.items()} == {
        "data": ("split", "train")
    }
    assert node.arguments == {"rate": 0.1, "options": None}
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


def test_the_name_of_a_node_is_unique_even_if_a_step_has_the_name_of_a_repetition():
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


def test_parameters_of_the_pipeline_are_validated_and_recorded():
    def training(rate: float, options: Options, rows: int = 5):
        assert isinstance(options, Options)
        train(load(rows), rate, options)

    graph = graph_of(training, "0.5", options={"depth": 7})
    options = {"$model": [f"{__name__}.Options", {"depth": 7}, ["depth"], None, None]}
    assert graph.parameters == {"rate": 0.5, "options": options, "rows": 5}
    assert graph.nodes[1].arguments == {"rate": 0.5, "options": Options(depth=7)}


def test_a_pipeline_has_the_location_of_its_function():
    def training():
        load()

    assert graph_of(training).source == f"{__name__}:training"
    assert __file__ == str(Path(graph_of(training).import_root, *__name__.split("."))) + ".py"


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
        assert isinstance(load(), StepOutput)
        assert [output.name for output in split(load())] == ["train", "test"]
        assert isinstance(announce(train(load(), 0.1)), StepOutput)  # stands for its end

    graph_of(training)


def test_type_hints_may_be_text():
    @step
    def late(x: "int") -> "tuple[Annotated[int, 'a'], Annotated[Options, 'b']]":
        return x, Options()

    assert [output.name for output in late.signature.outputs] == ["a", "b"]


def test_type_hints_may_name_variables_of_the_enclosing_function():
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

    assert (train_on_gpu.name, train_on_gpu.options.step_operator) == ("fit", "gpu")
    assert (train_on_gpu.__name__, train_on_gpu.__doc__) == ("train_on_gpu", "Train.")
    assert load.options.step_operator is False


def test_the_name_of_a_private_function_has_no_underscore():
    @step
    def _load() -> int:
        return 1

    assert _load.name == "load"


@pytest.mark.parametrize("make", [Step, Pipeline])
def test_a_name_obeys_the_rule_for_names(make):
    with pytest.raises(InvalidName):
        make(load.function, name="a/b")


def test_a_step_can_be_pickled_for_another_process():
    graph_of(calling(load))
    there = pickle.loads(cloudpickle.dumps(load))
    assert (there.name, there(3)) == ("load", [0, 1, 2])
