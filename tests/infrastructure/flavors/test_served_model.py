"""Tensors into what models are asked with, and what they answer into tensors."""

import hashlib
import math
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy
import pandas
import pytest

from stackfold.infrastructure.flavors.model_serving.inference_tensors import (
    InferenceTensor as Tensor,
)
from stackfold.infrastructure.flavors.model_serving.inference_tensors import (
    InvalidInput,
    model_input,
    to_array,
    to_tensor,
)
from stackfold.infrastructure.flavors.model_serving.served_model import ServedModel

SOURCE = str(Path(__file__).parents[3] / "src")


@pytest.mark.parametrize(
    ("datatype", "data"),
    [
        ("BOOL", [True, False]),
        ("INT8", [-128, 127]),
        ("UINT64", [0, 2**64 - 1]),
        ("INT64", [-(2**63), 2**63 - 1]),
        ("FP16", [0.5, 2.0]),
        ("FP32", [0.5, -1.0]),
        ("FP64", [0.1, 1e300]),
        ("BYTES", ["a", "ä"]),
    ],
)
def test_a_tensor_becomes_an_array_and_a_tensor_again(datatype, data):
    given = Tensor("x", datatype, [2, 1], data)
    found = to_array(given)
    assert found.shape == (2, 1)
    assert to_tensor("x", found) == given


def test_data_may_be_lists_in_lists():
    assert to_array(Tensor("x", "INT64", [2, 2], [[1, 2], [3, 4]])).tolist() == [
        [1, 2],
        [3, 4],
    ]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            Tensor("x", "INT64", [2], [1]),
            r"the input 'x' has 1 values for the shape \[2\]",
        ),
        (Tensor("x", "INT64", [1], [1.5]), "values that are no INT64"),
        (Tensor("x", "INT64", [1], [True]), "values that are no INT64"),
        (Tensor("x", "INT8", [1], [128]), "the input 'x': .*128"),
        (Tensor("x", "FP64", [1], ["1"]), "values that are no FP64"),
        (Tensor("x", "BOOL", [1], [1]), "values that are no BOOL"),
        (Tensor("x", "BYTES", [1], [1]), "must hold texts"),
        (
            Tensor("x", "FP8", [1], [1.0]),
            "there is no datatype 'FP8': give BYTES, BOOL, INT8",
        ),
    ],
)
def test_values_that_are_not_of_their_type_are_refused(given, told):
    with pytest.raises(InvalidInput, match=told):
        to_array(given)


def test_null_stands_for_nan_both_ways():
    found = to_array(Tensor("x", "FP64", [2], [None, 1.0]))
    assert math.isnan(found[0])
    assert to_tensor("y", found).data == [None, 1.0]


def test_infinity_is_refused():
    with pytest.raises(InvalidInput, match="infinity in 'y'"):
        to_tensor("y", numpy.array([math.inf]))


def test_several_inputs_are_the_columns_of_a_frame():
    frame = model_input(
        [
            Tensor("a", "INT64", [2, 1], [1, 2]),
            Tensor("b", "BYTES", [2], ["x", "y"]),
        ]
    )
    assert frame.to_dict("list") == {"a": [1, 2], "b": ["x", "y"]}


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ([], "there is no input"),
        ([Tensor("a", "INT64", [1], [1])] * 2, "two inputs have the same name"),
        (
            [
                Tensor("a", "INT64", [1, 2], [1, 2]),
                Tensor("b", "INT64", [1], [1]),
            ],
            "give all the same length",
        ),
    ],
)
def test_inputs_that_stand_for_nothing_are_refused(inputs, told):
    with pytest.raises(InvalidInput, match=told):
        model_input(inputs)


class Answering:
    def __init__(self, answer):
        self.answer = answer

    def predict(self, rows):
        return self.answer


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ([1, 2], [Tensor("predict", "INT64", [2], [1, 2])]),
        (numpy.float32(2), [Tensor("predict", "FP32", [], [2.0])]),
        (numpy.array([1, 2], dtype=object), [Tensor("predict", "INT64", [2], [1, 2])]),
        (
            {"a": [True], "b": ["x"]},
            [Tensor("a", "BOOL", [1], [True]), Tensor("b", "BYTES", [1], ["x"])],
        ),
        (pandas.Series([1.5]), [Tensor("predict", "FP64", [1], [1.5])]),
        (
            pandas.DataFrame({"a": [1], "b": ["x"]}),
            [Tensor("a", "INT64", [1], [1]), Tensor("b", "BYTES", [1], ["x"])],
        ),
    ],
)
def test_what_a_model_returns_becomes_tensors(answer, told):
    assert ServedModel(Answering(answer)).predict([Tensor("x", "INT64", [1], [0])]) == told


def served(tmp_path, content, **options):
    """What a server's program says that reads a model and does no more."""
    path = tmp_path / "model"
    path.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    program = (
        "import sys\n"
        "from stackfold.infrastructure.flavors.model_serving.served_model import ServedModel\n"
        "from stackfold.infrastructure.flavors.model_serving.server_program import parse_options\n"
        "ServedModel.read(parse_options(sys.argv[1:]))"
    )
    given = {"model": path, "digest": digest, "name": "any", "folder": tmp_path, **options}
    return subprocess.run(
        # Of what is installed here it sees nothing: another environment need not have it.
        [sys.executable, "-S", "-c", program, *(f"--{name}={v}" for name, v in given.items())],
        env={"PYTHONPATH": SOURCE, "PATH": os.defpath},
        capture_output=True,
        text=True,
        check=False,
    )


def test_nothing_that_is_installed_is_needed_to_read_a_model(tmp_path):
    done = served(tmp_path, pickle.dumps({}))
    assert done.returncode == 1
    assert done.stderr == "stackfold: the model is a dict, which has no method predict\n"


@pytest.mark.parametrize(
    ("content", "options", "told"),
    [
        (b"no pickle", {}, "the model cannot be loaded: UnpicklingError: "),
        (pickle.dumps({}), {"digest": "0"}, "the model is damaged: its sha256 is "),
        (pickle.dumps({}), {"model": "/nowhere"}, "FileNotFoundError: [Errno 2] No such file"),
        (pickle.dumps({}), {"colour": "red"}, "the options are wrong: "),
    ],
)
def test_a_model_that_cannot_be_had_is_told_in_one_line(tmp_path, content, options, told):
    done = served(tmp_path, content, **options)
    assert done.returncode == 1
    assert done.stderr.startswith("stackfold: ")
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


def test_other_versions_than_the_models_are_told(tmp_path):
    done = served(tmp_path, pickle.dumps({}), versions='{"python": "3.1.4", "json": "1"}')
    assert "warning: the model was made with python 3.1.4, and here is 3." in done.stderr
    assert "made with json 1, and here is 2" in done.stderr
