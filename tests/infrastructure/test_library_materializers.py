"""Arrays and frames come back from the artifact store exactly as they were."""

import math

import pytest
from round_trip import round_trip

from stackfold.infrastructure.materializers import pandas_frame


@pytest.mark.parametrize(
    "dtype", ["f8", ">i2", "?", "c16", "U3", "M8[ns]", [("a", "i4"), ("b", "f4")]]
)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3)])
def test_an_array_is_written_as_npy(dtype, shape):
    import numpy as np

    array = np.ones(shape, dtype=np.int64).astype(dtype)
    name, back = round_trip(array)
    assert name == "numpy"
    assert (type(back), back.dtype, back.shape) == (np.ndarray, array.dtype, array.shape)
    assert np.array_equal(back, array)


def test_a_single_number_of_numpy_is_not_an_array():
    import numpy as np

    name, back = round_trip(np.float32(0.5))
    assert (name, type(back), back) == ("numpy", np.float32, 0.5)


def test_an_array_of_objects_is_pickled():
    import numpy as np

    assert round_trip(np.array([None, "a"]))[0] == "cloudpickle"
    masked = np.ma.masked_array([1, 2], [True, False])
    name, back = round_trip(masked)
    assert (name, type(back)) == ("cloudpickle", type(masked))


# -- pandas


def frames():
    import pandas as pd

    plain = pd.DataFrame({"a": [1, 2], "b": [0.5, math.nan], "c": [True, False]})
    texts = pd.DataFrame({"t": ["a", "b"], "when": pd.to_datetime(["2024-01-01", None])})
    grouped = pd.DataFrame({"g": pd.Categorical(["x", "y"]), "n": pd.array([1, None], "Int64")})
    return {
        "plain": plain,
        "texts": texts,
        "grouped": grouped,
        "shuffled": plain.iloc[[1, 0]],
        "named index": plain.set_index("a"),
        "two indexes": plain.set_index(["a", "b"]),
        "empty": plain.iloc[:0],
    }


@pytest.mark.parametrize("which", frames())
def test_a_frame_is_written_as_parquet(which):
    import pandas as pd

    frame = frames()[which]
    name, back = round_trip(frame)
    assert name == "pandas"
    pd.testing.assert_frame_equal(back, frame, check_exact=True)


@pytest.mark.parametrize("name", ["scores", None])
def test_a_series_is_written_as_parquet(name):
    import pandas as pd

    series = pd.Series([1.5, math.nan], index=["a", "b"], name=name)
    materializer, back = round_trip(series)
    assert materializer == "pandas"
    pd.testing.assert_series_equal(back, series, check_exact=True)


def awkward_frames():
    import pandas as pd

    columns = pd.MultiIndex.from_tuples([("a", "b"), ("a", "c")])
    return {
        "no columns": pd.DataFrame(index=range(2)),
        "numbered columns": pd.DataFrame([[1, 2]]),
        "columns of two levels": pd.DataFrame([[1, 2]], columns=columns),
        "columns alike": pd.DataFrame([[1, 2]], columns=["a", "a"]),
        "mixed objects": pd.DataFrame({"a": pd.Series([1, "x"], dtype=object)}),
        "tuples": pd.DataFrame({"a": pd.Series([(1, 2), None], dtype=object)}),
        "series with a number for a name": pd.Series([1], name=3),
    }


@pytest.mark.parametrize("which", awkward_frames())
def test_a_frame_that_parquet_would_change_is_pickled(which):
    value = awkward_frames()[which]
    name, back = round_trip(value)
    assert name == "cloudpickle"
    assert type(back) is type(value)
    assert back.equals(value)


@pytest.mark.parametrize("which", [name for name in frames() if name != "empty"])
def test_a_large_frame_is_read_column_by_column_all_the_same(which, monkeypatch):
    import pandas as pd

    monkeypatch.setattr(pandas_frame, "_LARGE", 0)
    frame = frames()[which]
    name, back = round_trip(frame)
    assert name == "pandas"
    pd.testing.assert_frame_equal(back, frame, check_exact=True)
    back.iloc[0, 0] = back.iloc[1, 0]  # it can be written to


@pytest.mark.parametrize(
    "values", [["a", "b", b"c", b"d"], [1, 1, "c", "d"], [None, None, 1, 1], [True, False, 1, 2]]
)
def test_a_column_that_changes_its_types_on_the_way_is_pickled(values, monkeypatch):
    import pandas as pd

    monkeypatch.setattr(pandas_frame, "_TEST_ROWS", 2)
    name, back = round_trip(pd.DataFrame({"a": pd.Series(values, dtype=object)}))
    assert name == "cloudpickle"
    assert list(back["a"]) == values


def test_a_column_that_holds_nothing_at_first_is_written_as_parquet(monkeypatch):
    import pandas as pd

    monkeypatch.setattr(pandas_frame, "_TEST_ROWS", 2)
    frame = pd.DataFrame({"a": pd.array([None, None, "x", "y"], dtype="string")})
    name, back = round_trip(frame)
    assert name == "pandas"
    pd.testing.assert_frame_equal(back, frame)
