"""The configuration of one run, and the precedence of choices about caching."""

from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackfold.domain.errors import InvalidPipeline
from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.domain.pipelines.run_configuration import RunConfiguration, configuration_of


@step
def load(rows: int = 10) -> list[int]:
    return list(range(rows))


@step
def train(data: list[int], rate: float = 0.1) -> Annotated[float, "model"]:
    return sum(data) * rate


@step
def announce() -> None:
    pass


def graph_of(function, configuration=None, /, **parameters):
    pipeline = Pipeline(function, name="training")
    return pipeline.graph_for(parameters, configuration or RunConfiguration())


def nodes_of(*given, **parameters):
    return {node.name: node for node in graph_of(*given, **parameters).nodes}


# -- the configuration of a run


def configured(**given):
    return RunConfiguration.model_validate(given)


def training(rows: int = 4, rate: float = 0.1):
    train(load(rows), rate)


def test_a_mapping_with_its_keys_is_a_configuration():
    given = {"tags": ["a"], "steps": {"train": {"retries": 2}}}
    assert configuration_of(given) == RunConfiguration.model_validate(given)
    assert configuration_of(RunConfiguration(tags=("a",))) == RunConfiguration(tags=("a",))


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"tagz": ["a"]}, "tagz: unknown key in the configuration of a run"),
        ({"steps": {"train": {"retries": "x"}}}, "steps.train.retries: it should be a valid int"),
        (3, "is an int: give a RunConfiguration or a mapping with its keys"),
    ],
)
def test_an_invalid_configuration_is_rejected_in_one_line(given, problem):
    with pytest.raises(InvalidPipeline) as refusal:
        configuration_of(given)
    assert problem in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_the_configuration_sets_parameters_of_the_pipeline():
    chosen = configured(parameters={"rows": "6", "rate": 0.2})
    assert graph_of(training, chosen).parameters == {"rows": 6, "rate": 0.2}
    assert graph_of(training, chosen, rows=8).parameters == {"rows": 8, "rate": 0.2}


def test_the_configuration_sets_parameters_and_options_of_steps():
    chosen = configured(steps={"train": {"parameters": {"rate": "0.5"}, "retries": 2}})
    node = nodes_of(training, chosen)["train"]
    assert node.arguments == {"rate": 0.5}
    assert node.step.options.retries == 2
    assert train.options.retries == 0


def test_the_configuration_sets_a_parameter_that_the_pipeline_omits():
    @step
    def needy(size: int) -> int:
        return size

    def using():
        needy()

    chosen = configured(steps={"needy": {"parameters": {"size": 3}}})
    assert nodes_of(using, chosen)["needy"].arguments == {"size": 3}


@pytest.mark.parametrize(
    ("chosen", "line"),
    [
        (
            {"parameters": {"row": 1}},
            "pipeline 'training' has no parameter 'row': it takes rows, rate",
        ),
        ({"parameters": {"rows": "x"}}, "parameter 'rows' of pipeline 'training': it should be a"),
        (
            {"steps": {"fit": {}}},
            "configuration names a step 'fit': the steps of pipeline 'training' are load, train",
        ),
        (
            {"steps": {"train": {"parameters": {"speed": 1}}}},
            "step 'train' has no parameter 'speed': it takes data, rate",
        ),
        (
            {"steps": {"train": {"parameters": {"data": [1]}}}},
            "the configuration sets parameter 'data' of step 'train', which takes the output",
        ),
    ],
)
def test_a_configuration_that_does_not_match_the_pipeline_is_rejected(chosen, line):
    with pytest.raises(InvalidPipeline) as caught:
        graph_of(training, configured(**chosen))
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_tags_and_metadata_are_added_to_those_of_the_pipeline():
    pipeline = Pipeline(training, tags=["nightly"], metadata={"team": "a", "cost": 1})
    chosen = configured(tags=["urgent", "nightly"], metadata={"cost": 2})
    options = pipeline.graph_for({}, chosen).options
    assert options.tags == ("nightly", "urgent")
    assert options.metadata == {"team": "a", "cost": 2}


# -- whose word on caching counts


WORDS = st.sampled_from([None, True, False])


@given(in_run=WORDS, of_run=WORDS, of_step=WORDS, of_pipeline=WORDS)
def test_the_most_specific_choice_applies(in_run, of_run, of_step, of_pipeline):
    said = of_step if of_step is not None else of_run if of_run is not None else of_pipeline
    expected = True if said is None else said
    if of_run is False:
        expected = False
    if in_run is not None:
        expected = in_run
    chosen = configured(enable_cache=of_run, steps={"load": {"enable_cache": in_run}})

    def one():
        load.with_options(enable_cache=of_step)()

    graph = Pipeline(one, enable_cache=of_pipeline).graph_for({}, chosen)
    assert graph.nodes[0].cache is expected


def test_the_choice_of_an_inner_pipeline_applies_to_its_steps():
    def using():
        load()

    @Pipeline
    def outer():
        Pipeline(using, name="inner", enable_cache=False)()
        load()

    assert [node.cache for node in outer.graph().nodes] == [False, True]


def test_a_step_without_outputs_is_cached_only_if_its_own_option_enables_it():
    def silent():
        announce()
        announce.with_options(enable_cache=True)()

    assert [node.cache for node in graph_of(silent).nodes] == [False, True]
    assert [node.cache for node in graph_of(silent, configured(enable_cache=True)).nodes] == [
        False, True,
    ]  # fmt: skip
    assert not any(n.cache for n in graph_of(silent, configured(enable_cache=False)).nodes)
