"""What commands take has a size; what a log holds already is read whatever its size."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from workspaces import STORE, stack, store

from stackfold import pipeline, step
from stackfold.application.eventsourcing import repository as events
from stackfold.domain.errors import (
    Invalid,
    InvalidConfiguration,
    InvalidPipeline,
    TooLarge,
)
from stackfold.domain.limits import ATTRIBUTE, DEPTH, LABEL, LABELS, MESSAGE, PARAMETERS, must_fit
from stackfold.domain.stacks import component as components
from stackfold.domain.stacks import labels
from stackfold.infrastructure.workspace import Workspace


@step
def takes(value: object) -> int:
    return len(str(value))


@step
def makes() -> int:
    return 1


@pipeline
def given_a_value(value: object = None):
    makes()


@pipeline
def handing_on(length: int = 1):
    takes(value="x" * length)


def deep(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value


REFUSED = {
    "a message": lambda ws: stack(ws, "s", why="é" * (MESSAGE // 2) + "x"),
    "a message of undo": lambda ws: ws.undo(why="x" * (MESSAGE + 1)),
    "a description": lambda ws: stack(ws, "s", description="x" * (MESSAGE + 1)),
    "a new description": lambda ws: ws.stacks.update("old", description="x" * (MESSAGE + 1)),
    "a label": lambda ws: stack(ws, "s", labels={"a": "x" * (LABEL + 1)}),
    "a new label": lambda ws: ws.stacks.update("old", labels={"a": "x" * (LABEL + 1)}),
    "many labels": lambda ws: stack(ws, "s", labels=dict.fromkeys(map(str, range(LABELS + 1)), "")),
    "more labels": lambda ws: ws.components.update(
        STORE, "lake", {}, labels=dict.fromkeys(map(str, range(LABELS + 1)), "")
    ),
    "an attribute": lambda ws: store(ws, "s", path="x" * (ATTRIBUTE + 1)),
    "a new attribute": lambda ws: ws.components.update(
        STORE, "lake", {"path": "x" * (ATTRIBUTE + 1)}
    ),
    "a parameter": lambda ws: ws.runs.start(given_a_value, {"value": "x" * (PARAMETERS + 1)}),
    "a step's parameter": lambda ws: ws.runs.start(handing_on, {"length": PARAMETERS + 1}),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_larger_than_its_limit_is_refused_in_one_line(ws, what):
    store(ws, "lake")
    stack(ws, "old")
    head = ws.log.head()
    with pytest.raises(TooLarge) as refusal:
        REFUSED[what](ws)
    assert len(str(refusal.value)) < 200
    assert "\n" not in str(refusal.value)
    assert ws.log.head() == head


def test_what_is_as_large_as_its_limit_is_recorded(ws):
    stack(ws, "s", why="é" * (MESSAGE // 2), labels={"a": "x" * LABEL})
    ws.stacks.update("s", labels=dict.fromkeys(map(str, range(LABELS - 1)), ""))
    store(ws, "lake", path="/" + "x" * (ATTRIBUTE - 1))
    assert len(ws.stacks.get("s").labels) == LABELS


@pytest.mark.slow
def test_what_a_log_holds_already_is_read_and_copied_whatever_its_size(ws, monkeypatch, tmp_path):
    with monkeypatch.context() as older:
        for module, names in ((events, ["MESSAGE"]), (labels, ["LABEL", "LABELS"])):
            for name in names:
                older.setattr(module, name, 10**9)
        older.setattr(components, "ATTRIBUTE", 10**9)
        many = dict.fromkeys(map(str, range(LABELS + 5)), "x" * (LABEL + 1))
        store(ws, "lake", path="/" + "x" * ATTRIBUTE)
        stack(ws, "s", why="x" * (MESSAGE + 1), labels=many)
    ws.log.rebuild()
    assert ws.log.verify().intact
    head = ws.log.export(tmp_path / "log.jsonl")
    assert Workspace.import_log(tmp_path / "log.jsonl", tmp_path / "copy") == head
    ws.log.fork(None, tmp_path / "fork")
    # Each change may leave it as it is, or make it smaller.
    ws.stacks.update("s", labels={"0": None})
    ws.stacks.delete("s")
    ws.stacks.restore("s")
    ws.components.update(STORE, "lake", {"path": "/short"})
    ws.components.revert(STORE, "lake")


NESTED = {
    "an attribute": lambda ws, value: store(ws, "s", path=value),
    "a parameter": lambda ws, value: ws.runs.start(given_a_value, {"value": value}),
}


@pytest.mark.parametrize("what", NESTED)
@pytest.mark.parametrize("levels", [DEPTH + 10, 100_000])
def test_values_that_are_nested_too_deeply_are_refused(ws, what, levels):
    with pytest.raises((Invalid, InvalidConfiguration, InvalidPipeline)) as refusal:
        NESTED[what](ws, deep(levels))
    assert "\n" not in str(refusal.value)


LEAVES = st.sampled_from([None, True, "", "a", "é", "\N{GRINNING FACE}", "x" * 50, b"", b"four"])
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["", "k", "é"]), inner, max_size=2)
    ),
    max_leaves=5,
)


def texts(value):
    match value:
        case str():
            return len(value.encode())
        case bytes():
            return len(value)
        case dict():
            return sum(texts(each) for pair in value.items() for each in pair)
        case list():
            return sum(map(texts, value))
    return 0


@given(VALUES)
def test_a_value_is_at_least_as_large_as_the_texts_in_it(value):
    size = texts(value)
    if size:
        with pytest.raises(TooLarge):
            must_fit("it", value, size - 1)
    # Beside them, there is one for each part of a list, and two for each of a dictionary.
    must_fit("it", value, size + 1000)


def test_what_contains_itself_is_refused():
    value = {}
    value["again"] = [value]
    with pytest.raises(Invalid, match="it: nested too deeply, or contains itself"):
        must_fit("it", value, 10**6)
