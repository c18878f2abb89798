"""A step chooses the materializers of its outputs, by class or by name."""

import json
from typing import Annotated

import numpy as np
import pytest

from stackfold import Output, Workspace, get_context, materializer, pipeline, step
from stackfold.application.artifacts.own_materializers import REGISTERED
from stackfold.errors import InvalidPipeline, NotFound, PickleForbidden, RunFailed

EXECUTED: list[str] = []


@materializer(name="test-csv", for_type=np.ndarray)
class Csv:
    def write(self, value, file):
        file.write(get_context().step.encode() + b"\n")
        np.savetxt(file, value)

    def read(self, file):
        file.readline()
        return np.loadtxt(file, ndmin=1)


del REGISTERED[np.ndarray]  # other tests store arrays as .npy


@materializer(name="test-words")
class Words:
    def write_folder(self, value, folder):
        for number, word in enumerate(value):
            (folder / f"{number}.txt").write_text(word)

    def read_folder(self, folder):
        return [each.read_text() for each in sorted(folder.iterdir())]


@step(materializers={"table": Csv})
def make(rows: int = 3) -> tuple[Annotated[np.ndarray, "table"], Annotated[np.ndarray, "plain"]]:
    EXECUTED.append("make")
    return np.arange(float(rows)), np.arange(float(rows))


@step
def spell() -> Annotated[list[str], Output("words-of-tests", materializer=Words)]:
    return ["a", "b"]


@step
def several() -> Annotated[dict[str, object], Output("several-of-tests", materializer="test-csv")]:
    return {"a": np.ones(2), "odd/../key": [np.zeros(1)], "threshold": 0.5}


@pytest.fixture
def ws(tmp_path):
    EXECUTED.clear()
    with Workspace.open(tmp_path / "home") as workspace:
        yield workspace


def run(ws, *steps, **options):
    @pipeline(**options)
    def choosing():
        for each in steps:
            each()

    return ws.runs.start(choosing)


def test_an_output_is_written_by_the_class_that_the_step_names(ws):
    found = run(ws, make)
    stored = {each.output.rpartition("/")[2]: each for each in ws.artifacts.list()}
    assert stored["table"].materializer == "test-csv"
    assert stored["plain"].materializer == "numpy"
    assert np.array_equal(ws.runs.load(found.id, "make", "table"), np.arange(3.0))
    with ws.artifacts.open("choosing/make/table") as file:
        assert file.readline() == b"make\n"  # it knew the step


def test_an_annotation_chooses_as_well_and_the_option_of_a_run_takes_precedence(ws):
    run(ws, spell)
    assert ws.artifacts.get("words-of-tests").view.materializer == "test-words"
    assert ws.artifacts.load("words-of-tests") == ["a", "b"]

    @pipeline
    def choosing():
        spell()

    plain = {"steps": {"spell": {"materializers": {"words-of-tests": "json"}}}}
    ws.runs.start(choosing, configuration=plain)
    assert ws.artifacts.get("words-of-tests").view.materializer == "json"


def test_elements_are_written_by_the_chosen_one_where_it_accepts_no_collection(ws):
    run(ws, several)
    assert ws.artifacts.get("several-of-tests").view.materializer == "collection"
    loaded = ws.artifacts.load("several-of-tests")
    assert np.array_equal(loaded["odd/../key"][0], np.zeros(1))
    assert loaded["threshold"] == 0.5
    folder = ws.artifacts.folder("several-of-tests")
    with folder.open("collection.json") as file:
        index = json.loads(file.read())
    assert [each[1] for each in index["elements"]] == ["test-csv", "collection", "json"]


def test_the_choice_is_part_of_the_cache_key_only_where_there_is_one(ws):
    run(ws, make)
    run(ws, make)
    run(ws, make.with_options(materializers={}))
    run(ws, make.with_options(materializers={"table": "numpy"}))
    run(ws, make.with_options(materializers={"table": Csv}))
    assert len(EXECUTED) == 3


def test_a_value_that_the_chosen_one_does_not_accept_fails_the_step(ws):
    @step(materializers={"output": Csv})
    def text() -> str:
        return "a"

    with pytest.raises(RunFailed, match=r"'test-csv' does not accept a builtins\.str"):
        run(ws, text)


def test_a_name_that_is_unknown_is_found_before_any_step(ws):
    with pytest.raises(NotFound, match=r"no materializer 'nope'.*built in are bytes, json"):
        run(ws, make.with_options(materializers={"table": "nope"}, enable_cache=False))
    assert EXECUTED == []


def test_an_output_that_is_unknown_is_rejected(ws):
    with pytest.raises(InvalidPipeline, match="names an output 'x': it has table, plain"):
        run(ws, make.with_options(materializers={"x": "json"}))


class Derived(Csv):
    """Not decorated."""


@pytest.mark.parametrize("given", [Derived, str, 3, "", None])
def test_what_is_no_materializer_is_rejected_at_once(given):
    with pytest.raises(InvalidPipeline, match="materializer"):
        step(name="odd", materializers={"output": given})(lambda: 1)
    if given:
        with pytest.raises(InvalidPipeline, match="is no materializer"):
            Output("name", materializer=given)


def test_a_pickle_may_be_chosen_where_pickles_are_allowed(ws):
    pickled = make.with_options(materializers={"table": "cloudpickle"})
    run(ws, pickled)
    assert ws.artifacts.get("choosing/make/table").view.materializer == "cloudpickle"
    with pytest.raises(RunFailed) as failed:
        run(ws, pickled, no_pickle=True)
    assert isinstance(failed.value.__cause__, PickleForbidden)
