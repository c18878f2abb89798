"""Tensors: from what people have at hand to what the protocol says, and back."""

import json
from math import prod

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackfold.application.ports.tensors import DATATYPES, ONLY, Tensor, nested, tensors_of
from stackfold.domain.errors import InvalidInputs

SCALARS = {
    "BOOL": st.booleans(),
    "INT64": st.integers(-(2**63), 2**63 - 1),
    "FP64": st.floats(allow_nan=False, allow_infinity=False),
    "BYTES": st.text(),
}


@st.composite
def tensors(draw):
    """A tensor of any type and of one to four dimensions, none of them empty."""
    datatype = draw(st.sampled_from([*SCALARS]))
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    size = prod(shape)
    values = draw(st.lists(SCALARS[datatype], min_size=size, max_size=size))
    return Tensor(ONLY, datatype, shape, values)


@given(tensors())
def test_lists_become_the_tensor_that_they_came_from(tensor):
    assert tensors_of(nested(tensor)) == [tensor]


@given(tensors())
def test_the_same_as_json(tensor):
    assert tensors_of(json.dumps(nested(tensor))) == [tensor]


@given(st.lists(tensors(), min_size=1, max_size=3))
def test_a_request_of_the_protocol_is_taken_as_it_is(several):
    named = [each._replace(name=f"x{place}") for place, each in enumerate(several)]
    request = {"id": "1", "inputs": [each._asdict() for each in named]}
    assert tensors_of(json.dumps(request)) == named


@given(tensors())
def test_the_data_of_a_request_may_be_nested_too(tensor):
    given = {**tensor._asdict(), "data": nested(tensor)}
    assert tensors_of({"inputs": [given]}) == [tensor]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_whatever_json_holds_is_tensors_or_refused(anything):
    try:
        found = tensors_of(json.dumps(anything))
    except InvalidInputs:
        return
    for tensor in found:
        assert tensor.datatype in DATATYPES
        assert len(tensor.data) == prod(tensor.shape)
        json.dumps(tensor, allow_nan=False)


def test_integers_among_fractions_become_such():
    (tensor,) = tensors_of([[1, 2.5], [3, 4]])
    assert tensor == Tensor(ONLY, "FP64", [2, 2], [1.0, 2.5, 3.0, 4.0])
    assert {type(value) for value in tensor.data} == {float}


@pytest.mark.parametrize(
    ("array", "datatype"),
    [
        (np.array([[1, 2]], dtype="int8"), "INT8"),
        (np.array([[1, 2]], dtype="uint16"), "UINT16"),
        (np.array([[1, 2]], dtype="float32"), "FP32"),
        (np.array([[1, 2]], dtype="float64"), "FP64"),
        (np.array([[True, False]]), "BOOL"),
        (np.array([["a", "b"]]), "BYTES"),
        (np.array([["a", "b"]], dtype=object), "BYTES"),
    ],
)
def test_an_array_says_itself_what_it_is_of(array, datatype):
    (tensor,) = tensors_of(array)
    assert (tensor.datatype, tensor.shape) == (datatype, [1, 2])
    assert nested(tensor) == array.tolist()


def test_a_frame_of_numbers_is_one_tensor():
    (tensor,) = tensors_of(pd.DataFrame({"a": [1, 2], "b": [0.5, 1.5]}))
    assert tensor == Tensor(ONLY, "FP64", [2, 2], [1.0, 0.5, 2.0, 1.5])


def test_a_frame_of_several_kinds_is_a_tensor_for_each_column():
    found = tensors_of(pd.DataFrame({"age": [1, 2], "town": ["x", "y"]}))
    assert found == [
        Tensor("age", "INT64", [2, 1], [1, 2]),
        Tensor("town", "BYTES", [2, 1], ["x", "y"]),
    ]


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ([], "it is empty"),
        ([[]], "it is empty"),
        ([[1, 2], [3]], "its rows are of different lengths: 1, 2"),
        ([[[1], [2, 3]]], "its lists at depth 3 are of different lengths"),
        ([1, [2]], "lists and values side by side"),
        (5, "one value is no tensor"),
        ("5", "one value is no tensor"),
        ('"text"', "one value is no tensor"),
        (None, "one value is no tensor"),
        ([None], "it holds null, where"),
        ([b"x"], "it holds a value of the type bytes"),
        ([1, "x"], "it mixes numbers and texts"),
        ([True, 1], "it mixes numbers and truth values"),
        ([2**63], "holds what is no INT64"),
        ([float("nan")], "NaN or infinity, which JSON cannot represent"),
        ([1.5, 10**400], "NaN or infinity"),
        (np.array([np.inf]), "NaN or infinity"),
        (np.array(1), "one value is no tensor"),
        (pd.DataFrame({"a": []}), "the frame is empty"),
        (pd.DataFrame({"a": [1.0, None]}), "NaN"),
        (pd.DataFrame({1: [1], "1": [2]}), "two columns of the frame have the same name"),
        (pd.DataFrame({"a": [pd.Timestamp(0)]}), "a value of the type Timestamp"),
        ({}, 'a request needs "inputs"'),
        ({"inputs": []}, 'a request needs "inputs"'),
        ({"inputs": [1]}, "the input number 1 is no tensor: give data, datatype, name, shape"),
        ({"inputs": [{"name": "x"}]}, "the input number 1 lacks data, datatype, shape"),
        ({"inputs": [], "parameters": {}}, 'a request needs "inputs"'),
    ],
)
def test_what_is_no_tensor_is_refused_in_one_line(inputs, told):
    with pytest.raises(InvalidInputs, match="nothing can be predicted from this: ") as refusal:
        tensors_of(inputs)
    assert told in str(refusal.value)
    assert "\n" not in str(refusal.value)


GOOD = {"name": "x", "shape": [1, 2], "datatype": "INT8", "data": [1, 2]}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"name": ""}, "the input number 1 has no name"),
        ({"shape": []}, "the input 'x' has no shape"),
        ({"shape": [2.0]}, "the input 'x' has no shape"),
        ({"shape": [-1]}, "the input 'x' has no shape"),
        ({"shape": [3]}, "the input 'x' has 2 values, which do not fit its shape [3]"),
        ({"data": [[1], [2]]}, "do not fit its shape [1, 2]"),
        ({"data": 5}, "the data of the input 'x' is no list"),
        ({"data": [1, 200]}, "the input 'x' holds what is no INT8"),
        ({"data": [1, 2.0]}, "the input 'x' holds what is no INT8"),
        ({"datatype": "INT9"}, "the input 'x' is of no known datatype: give one of BOOL"),
        ({"datatype": "FP32", "data": ["a", "b"]}, "holds what is no FP32"),
        ({"datatype": "BOOL"}, "holds what is no BOOL"),
        ({"datatype": "BYTES"}, "holds what is no BYTES"),
        ({"parameters": {}}, "the input number 1 has parameters, which cannot be handed on"),
    ],
)
def test_a_tensor_that_contradicts_itself_is_refused(change, told):
    with pytest.raises(InvalidInputs) as refusal:
        tensors_of({"inputs": [{**GOOD, **change}]})
    assert told in str(refusal.value)


def test_names_tell_inputs_apart():
    with pytest.raises(InvalidInputs, match="two inputs have the same name"):
        tensors_of({"inputs": [GOOD, GOOD]})


def test_more_in_a_request_is_refused_rather_than_dropped():
    with pytest.raises(InvalidInputs, match="a request with outputs is not understood"):
        tensors_of({"inputs": [GOOD], "outputs": []})


@pytest.mark.parametrize("text", ["", "[1", b"\xff", "[" * 100_000, "[1" + "0" * 5000 + "]"])
def test_what_is_no_json_is_refused(text):
    with pytest.raises(InvalidInputs, match=r"no JSON|nested too deeply"):
        tensors_of(text)


@pytest.mark.parametrize(
    ("shape", "data", "lists"),
    [
        ([3], [1, 2, 3], [1, 2, 3]),
        ([2, 1], [1, 2], [[1], [2]]),
        ([], [5], 5),
        ([0], [], []),
        ([2, 0], [], [[], []]),
    ],
)
def test_an_answer_of_any_shape_becomes_lists(shape, data, lists):
    assert nested(Tensor("y", "INT64", shape, data)) == lists


@pytest.mark.parametrize(("shape", "data"), [([2], [1]), ([-1, -2], [1, 2]), ([], [])])
def test_an_answer_that_contradicts_itself_is_no_lists(shape, data):
    with pytest.raises(ValueError, match="the tensor 'y' has"):
        nested(Tensor("y", "INT64", shape, data))
