"""Tables, arrays, JSON and pictures are converted to common formats, and nothing is unpickled."""

import io
import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
from PIL import Image

from stackfold.errors import CannotConvert

FRAME = pd.DataFrame({"city": ["Köln", "a,b"], "n": [1, 2]})


def converted(workspace, value, format):
    workspace.artifacts.save(value, "it")
    with workspace.artifacts.converted("it", format) as file:
        return file.read()


@pytest.mark.parametrize("table", [FRAME, pl.DataFrame(FRAME.to_dict("list"))], ids=["pd", "pl"])
def test_a_table(workspace, table):
    read = pd.read_csv(io.BytesIO(converted(workspace, table, "csv")))
    assert read.to_dict("list") == FRAME.to_dict("list")
    assert json.loads(converted(workspace, table, "json")) == FRAME.to_dict("records")
    parquet = pd.read_parquet(io.BytesIO(converted(workspace, table, "parquet")))
    assert parquet.to_dict("list") == FRAME.to_dict("list")


def test_an_array(workspace):
    array = np.array([[1, 2], [3, 4]])
    assert converted(workspace, array, "csv") == b"1,2\n3,4\n"
    assert json.loads(converted(workspace, array, "json")) == [[1, 2], [3, 4]]
    assert np.load(io.BytesIO(converted(workspace, array, "npy"))).tolist() == array.tolist()
    with pytest.raises(CannotConvert, match="3 dimensions"):
        converted(workspace, np.zeros((2, 2, 2)), "csv")


def test_json_and_a_picture(workspace):
    assert json.loads(converted(workspace, {"a": (1, None)}, "json")) == {"a": [1, None]}
    jpeg = converted(workspace, Image.new("RGBA", (3, 2)), "jpeg")
    assert Image.open(io.BytesIO(jpeg)).size == (3, 2)


class Boom:
    def __reduce__(self):
        return (print, ("executed",))


@pytest.mark.parametrize(
    ("value", "format"), [(Boom(), "json"), (b"x", "csv"), (1, "png"), (1, "xls"), (1, "../a")]
)
def test_what_cannot_be_converted_is_rejected_in_one_line(workspace, value, format, capsys):
    with pytest.raises(CannotConvert) as raised:
        converted(workspace, value, format)
    assert "\n" not in str(raised.value)
    assert capsys.readouterr().out == ""
