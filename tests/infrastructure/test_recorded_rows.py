"""What is recorded of a request: rows with their predictions, without the fields to leave out."""

import json

import pytest

from stackfold.infrastructure.recording.recorded_rows import NotUnderstood, recorded_rows


def recorded(request, response=None, leave_out=()):
    answer = None if response is None else json.dumps(response).encode()
    return recorded_rows(json.dumps(request).encode(), answer, frozenset(leave_out))


def tensor(name, *data, shape=None):
    return {"name": name, "datatype": "FP64", "shape": shape or [len(data)], "data": [*data]}


@pytest.mark.parametrize(
    ("request_", "response"),
    [
        ([[1, 2], [3, 4]], [0, 1]),
        ({"instances": [[1, 2], [3, 4]]}, {"predictions": [0, 1]}),
        ({"inputs": [[1, 2], [3, 4]]}, {"predictions": [0, 1]}),
        (
            {"inputs": [tensor("x", 1, 2, 3, 4, shape=[2, 2])]},
            {"outputs": [tensor("predict", 0, 1)]},
        ),
        (
            {"inputs": [tensor("x", [1, 2], [3, 4], shape=[2, 2])]},
            {"outputs": [tensor("predict", 0, 1)]},
        ),
    ],
)
def test_unnamed_rows_have_numbered_columns(request_, response):
    assert recorded(request_, response) == [
        {"input_0": 1, "input_1": 2, "prediction": 0},
        {"input_0": 3, "input_1": 4, "prediction": 1},
    ]


@pytest.mark.parametrize(
    "request_",
    [
        [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}],
        {"dataframe_records": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]},
        {"dataframe_split": {"columns": ["a", "b"], "data": [[1, "x"], [2, "y"]]}},
        {"inputs": {"a": [1, 2], "b": ["x", "y"]}},
        {"inputs": [tensor("a", 1, 2, shape=[2, 1]), tensor("b", "x", "y", shape=[2, 1])]},
    ],
)
def test_named_rows_keep_their_names(request_):
    assert recorded(request_) == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]


@pytest.mark.parametrize(
    "response",
    [
        {"kind": [0], "score": [0.5]},
        {"predictions": {"kind": [0], "score": [0.5]}},
        {"predictions": [{"kind": 0, "score": 0.5}]},
        {"outputs": [tensor("kind", 0), tensor("score", 0.5)]},
    ],
)
def test_several_outputs_are_columns_of_their_own(response):
    assert recorded([5], response) == [
        {"input_0": 5, "prediction_kind": 0, "prediction_score": 0.5}
    ]


def test_fields_that_are_left_out_appear_nowhere():
    rows = [{"age": 40, "email": "a@b.c", "address": {"city": "Rome", "email": "a@b.c"}}]
    assert recorded(rows, [1], ["email", "prediction"]) == [
        {"age": 40, "address": {"city": "Rome"}}
    ]


@pytest.mark.parametrize(
    ("request_", "response"),
    [
        ("text", None),
        ({"anything": 1}, None),
        ({"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}}, None),
        ({"inputs": {"a": [1], "b": [1, 2]}}, None),
        ({"inputs": [tensor("x", 1, 2, shape=[3])]}, None),
        ({"inputs": [{"name": "x", "shape": 3, "data": [1]}]}, None),
        ([[1]], [0, 1]),
        ([[1]], "text"),
    ],
)
def test_what_is_not_understood_is_rejected(request_, response):
    with pytest.raises(NotUnderstood):
        recorded(request_, response)


def test_what_is_no_json_is_rejected():
    for body in (b"", b"\xff", b"[" * 100_000):
        with pytest.raises(NotUnderstood):
            recorded_rows(body, None, frozenset())
