"""Graphs: collections of outputs, order without data, and pipelines in pipelines."""

import pickle
from typing import Annotated

import cloudpickle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackfold.domain.errors import InvalidName, InvalidPipeline
from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.domain.pipelines.run_configuration import RunConfiguration
from stackfold.domain.runs.failure_mode import FailureMode


@step
def load(rows: int = 10) -> list[int]:
    return list(range(rows))


@step
def train(data: list[int], rate: float = 0.1) -> Annotated[float, "model"]:
    return sum(data) * rate


@step
def best(models: list[float]) -> float:
    return max(models)


@step
def table(models: dict[str, float]) -> str:
    return str(models)


@step
def announce() -> None:
    pass


@step
def add(x: int = 0, y: int = 0) -> int:
    return x + y


def graph_of(function, configuration=None, /, **parameters):
    pipeline = Pipeline(function, name="training")
    return pipeline.graph_for(parameters, configuration or RunConfiguration())


def nodes_of(*given, **parameters):
    return {node.name: node for node in graph_of(*given, **parameters).nodes}


# -- several outputs as one input


def test_a_list_of_outputs_is_one_input():
    def training():
        data = load()
        best([train(data, rate) for rate in (0.1, 0.2)])

    node = nodes_of(training)["best"]
    assert {name: (out.step, out.name) for name, out in node.inputs.items()} == {
        "models[0]": ("train", "model"),
        "models[1]": ("train_2", "model"),
    }
    assert node.gathered == {"models": ["models[0]", "models[1]"]}
    assert node.upstream == ("train", "train_2")
    assert node.parameters == {}


def test_a_tuple_or_a_dictionary_of_outputs_keeps_its_type():
    def training():
        a, b = train(load(), 0.1), train(load(), 0.2)
        best((a, b))
        table({"low": a, "high": b})

    nodes = nodes_of(training)
    assert nodes["best"].gathered == {"models": ("models[0]", "models[1]")}
    assert nodes["table"].gathered == {"models": {"low": "models[low]", "high": "models[high]"}}
    assert nodes["table"].inputs["models[high]"].step == "train_2"


def test_an_output_may_be_in_a_list_twice():
    def training():
        a = train(load())
        best([a, a])

    node = nodes_of(training)["best"]
    assert list(node.inputs) == ["models[0]", "models[1]"]
    assert node.upstream == ("train",)


def test_a_list_of_values_is_a_parameter():
    def training():
        best([1.0, 2.0])
        best([])

    nodes = nodes_of(training)
    assert nodes["best"].arguments == {"models": [1.0, 2.0]}
    assert nodes["best_2"].arguments == {"models": []}


# -- order without data


def test_a_step_can_wait_for_steps_whose_outputs_it_does_not_take():
    def training():
        ready = announce()
        data = load()
        train.after(ready, data)(data)
        load.after(ready).after(data)(3)

    nodes = nodes_of(training)
    assert nodes["train"].upstream == ("load", "announce")
    assert nodes["load_2"].upstream == ("announce", "load")
    assert "announce" not in {output.step for output in nodes["train"].inputs.values()}


def test_after_applies_to_one_use_of_a_step():
    def training():
        ready = announce()
        load.after(ready)()
        load()

    nodes = nodes_of(training)
    assert (nodes["load"].upstream, nodes["load_2"].upstream) == (("announce",), ())


def test_a_step_outside_a_pipeline_waits_for_nothing():
    assert train.after(3)([1, 2], 2.0) == 6.0


def test_a_step_called_inside_a_step_calls_the_function():
    @step
    def twice() -> int:
        return add(add(1, 1), 2)

    assert twice() == 4


# -- options


def test_with_options_returns_a_copy():
    slow = train.with_options(name="slow", retries=3, delay=0.5, tags=["costly"])
    assert (slow.name, slow.options.retries, slow.options.tags) == ("slow", 3, ("costly",))
    assert (train.name, train.options.retries, train.options.tags) == ("train", 0, ())
    assert slow.with_options(retries=1).options.delay == 0.5
    assert slow([1], 2.0) == 2.0
    with pytest.raises(InvalidName):
        train.with_options(name="a/b")


def test_a_pickled_step_keeps_its_options():
    there = pickle.loads(cloudpickle.dumps(train.with_options(name="slow", timeout=3)))
    assert (there.name, there.options.timeout) == ("slow", 3)


def test_errors_of_a_renamed_step_have_its_new_name():
    assert train.signature  # so that the old one is known
    with pytest.raises(InvalidPipeline, match="step 'fit' has no parameter 'x'"):
        graph_of(lambda: train.with_options(name="fit")(x=1))


def test_options_of_a_pipeline():
    def using():
        load()

    pipeline = Pipeline(using, name="a", tags=["nightly"], failure_mode="fail_fast")
    other = pipeline.with_options(name="b", enable_cache=False)
    assert (other.name, other.options.tags) == ("b", ("nightly",))
    assert other.graph().options.failure_mode is FailureMode.FAIL_FAST
    assert pipeline.graph().options.enable_cache is None
    with pytest.raises(InvalidPipeline, match="option 'retries' of pipeline 'a': unknown option"):
        pipeline.with_options(retries=1)


# -- pipelines in pipelines


@Pipeline
def fitting(data: list[int], rates: list[float]):
    return best([train(data, rate) for rate in rates])


def test_the_steps_of_an_inner_pipeline_are_added_to_the_outer_one():
    def training():
        winner = fitting(load(), [0.1, 0.2])
        add(winner)

    nodes = nodes_of(training)
    assert list(nodes) == ["load", "fitting.train", "fitting.train_2", "fitting.best", "add"]
    assert nodes["fitting.train"].upstream == ("load",)
    assert nodes["add"].upstream == ("fitting.best",)


def test_an_inner_pipeline_may_be_used_twice_and_contain_others():
    @Pipeline
    def middle(data: list[int]):
        return fitting(data, [0.1])

    def training():
        data = load()
        middle(data)
        middle.with_options(name="again")(data)
        middle(data)

    assert [name for name in nodes_of(training) if name.endswith("best")] == [
        "middle.fitting.best", "again.fitting.best", "middle_2.fitting.best",
    ]  # fmt: skip


def test_parameters_of_an_inner_pipeline_are_validated():
    with pytest.raises(InvalidPipeline, match="parameter 'rates' of pipeline 'fitting': 0: it"):
        graph_of(lambda: fitting(load(), ["fast"]))
    with pytest.raises(InvalidPipeline, match="pipeline 'fitting' needs 'rates'"):
        graph_of(lambda: fitting(load()))


def test_a_step_can_wait_for_a_pipeline_that_returns_nothing():
    @Pipeline
    def checks():
        data = load()
        train(data)
        train(data)
        announce()

    def training():
        add.after(checks())(1)

    assert nodes_of(training)["add"].upstream == (
        "checks.train", "checks.train_2", "checks.announce",
    )  # fmt: skip


def test_a_list_of_outputs_can_be_passed_to_a_pipeline():
    @Pipeline
    def choosing(models: list[float], rate: float = 1.0):
        return best(models)

    def training():
        data = load()
        choosing([train(data), train(data)])

    assert nodes_of(training)["choosing.best"].upstream == ("train", "train_2")


# -- any graph


@st.composite
def edges(draw):
    """For each of some nodes the earlier ones whose outputs it takes or that it waits for."""
    count = draw(st.integers(1, 12))
    earlier = [
        st.lists(st.integers(0, place - 1), max_size=3) if place else st.just([])
        for place in range(count)
    ]
    return [(draw(earlier[place]), draw(earlier[place])) for place in range(count)]


@given(edges())
def test_every_graph_is_in_topological_order_and_has_the_edges_of_its_calls(drawn):
    @step
    def collect(values: list[int]) -> int:
        return 1

    def drawing():
        outputs = []
        for taken, awaited in drawn:
            use = collect.after(*[outputs[place] for place in awaited])
            outputs.append(use([outputs[place] for place in taken]))

    nodes = graph_of(drawing).nodes
    names = [node.name for node in nodes]
    assert len(set(names)) == len(drawn)
    for place, (node, (taken, awaited)) in enumerate(zip(nodes, drawn, strict=True)):
        assert all(names.index(above) < place for above in node.upstream)
        assert {names.index(above) for above in node.upstream} == {*taken, *awaited}
        assert [names.index(output.step) for output in node.inputs.values()] == taken
        assert len(set(node.upstream)) == len(node.upstream)
