"""A step whose result does not fit its type hints fails, unless somebody switches that off."""

import sys
import types
import warnings
from pathlib import Path

import pytest
from runnable import single

from stackfold.domain.errors import InvalidPipeline, OutputMismatch, RunFailed, UnresolvedHint
from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.domain.pipelines.run_configuration import RunConfiguration, StepConfiguration
from stackfold.domain.stacks.component_type import ComponentType


def text() -> int:
    return "3"


def take(x: int):
    return x


def flowing(**options):
    """A pipeline whose first step returns text where it declares an integer."""
    make, use = step(**options)(text), step(take)

    def flow():
        use(make())

    return flow


def test_what_does_not_fit_fails_its_step_and_is_handed_to_nobody(runs):
    with pytest.raises(RunFailed) as caught:
        runs.start(Pipeline(flowing(retries=3)))
    assert isinstance(caught.value.__cause__, OutputMismatch)
    line = "step 'text' returned a str where it declares int: correct one of them"
    assert caught.value.error.startswith(line)
    first, second = runs.steps(caught.value.run)
    assert (first.status, first.retried, first.outputs) == ("failed", [], [])
    assert second.status == "skipped"


OFF = {"check_outputs": False}


@pytest.mark.parametrize(
    ("options", "pipeline", "configuration"),
    [
        (OFF, {}, {}),
        ({}, OFF, {}),
        ({}, {}, OFF),
        ({"check_outputs": True}, {}, OFF),
        ({}, {"check_outputs": True}, {"steps": {"text": StepConfiguration(**OFF)}}),
    ],
)
def test_the_check_is_switched_off_for_a_step_a_pipeline_or_a_run(
    runs, options, pipeline, configuration
):
    run = runs.start(
        Pipeline(flowing(**options), **pipeline), configuration=RunConfiguration(**configuration)
    )
    assert runs.load(run.id, "take") == "3"


def test_the_word_of_an_inner_pipeline_counts_for_its_steps(runs):
    inner = Pipeline(flowing(), name="inner", check_outputs=False)

    def outer():
        inner()

    runs.start(Pipeline(outer, check_outputs=True))
    with pytest.raises(RunFailed):
        runs.start(Pipeline(outer), configuration=RunConfiguration(check_outputs=True))


def test_what_was_not_checked_stands_for_nothing_that_is(runs):
    runs.start(Pipeline(flowing(), check_outputs=False))
    with pytest.raises(RunFailed):
        runs.start(Pipeline(flowing()))
    again = runs.start(Pipeline(flowing(), check_outputs=False))
    assert {each.status for each in runs.steps(again.id)} == {"cached"}


def test_a_number_is_stored_as_it_is_hinted(runs):
    def half() -> float:
        return 1

    run = runs.start(single(half))
    assert type(runs.load(run.id, "only")) is float
    (only,) = runs.steps(run.id)
    assert only.outputs[0].type == "builtins.float"


SCRIPT = """
from dataclasses import dataclass

@dataclass
class Report:
    score: int

def make() -> Report:
    return Report(3)
"""


@pytest.mark.slow
@pytest.mark.parametrize("isolation", ["inline", "process"])
def test_a_class_is_known_again_in_another_process(runs, workspace, isolation):
    workspace.components.register(
        ComponentType.ORCHESTRATOR, "o", "local", {"isolation": isolation}
    )
    workspace.stacks.register("s", orchestrator="o", artifact_store="default")
    # As of a script: its classes travel by value.
    script = types.ModuleType("__main__")
    exec(SCRIPT, script.__dict__)
    assert runs.start(single(script.make), stack="s").status == "completed"


def test_the_check_imports_nothing():
    source = Path(sys.modules["stackfold.domain.pipelines.output_check"].__file__).read_text()
    assert not {"import numpy", "import pandas"} & set(map(str.strip, source.splitlines()))


# -- hints that only a type checker can resolve


def unknown(x: "Missing" = 3) -> "Missing":  # noqa: F821
    return "text"


def test_a_hint_that_is_not_known_takes_everything_and_a_note_says_so(runs):
    with pytest.warns(UnresolvedHint, match=r"step 'only' has .* resolve \(x, return\)"):
        run = runs.start(single(unknown))
    assert runs.load(run.id, "only") == "text"


def test_hints_that_are_known_need_no_note(runs):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        runs.start(single(lambda: 1))


# -- when the graph is built


def flow(given, taken, **options):
    """A pipeline from an output with one hint to an input with another."""

    def make():
        raise AssertionError("never executed")

    def use(x):
        raise AssertionError("never executed")

    make.__annotations__["return"], use.__annotations__["x"] = given, taken
    first, second = step(**options)(make), step(use)

    def connect():
        second(first())

    return Pipeline(connect)


class Animal:
    pass


class Stone:
    pass


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (str, int),
        (int, str),
        (list[int], dict[str, int]),
        (str, int | None),
        (list | tuple, dict | set),
        (bytes, str),
    ],
)
def test_an_output_that_no_input_can_take_is_refused_when_the_graph_is_built(given, taken):
    with pytest.raises(InvalidPipeline, match=r"'x' of step 'use' is declared as .*, but output"):
        flow(given, taken).graph()
    flow(given, taken, check_outputs=False).graph()


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (int, float),
        (float, int),
        (bool, complex),
        (Animal, Stone),
        (Animal, int),
        (list[str], list[int]),
        (int | None, int),
        (str | int, int),
        (list, object),
    ],
)
def test_what_some_value_satisfies_is_not_refused_then(given, taken):
    flow(given, taken).graph()
