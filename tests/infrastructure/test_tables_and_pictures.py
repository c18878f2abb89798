"""Frames of polars, Arrow tables, images and figures come back from the artifact store."""

import math
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from round_trip import round_trip, stored

# -- polars


def polars_frames():
    import polars as pl

    return {
        "numbers": pl.DataFrame({"a": [1, None], "b": [0.5, math.nan], "c": [True, None]}),
        "texts": pl.DataFrame({"t": ["a", None, "数据"], "b": [b"\0", b"", None]}),
        "times": pl.DataFrame(
            {
                "day": [date(2026, 1, 1)],
                "when": [datetime.fromisoformat("2026-01-01T12:00:00+00:00")],
                "long": [timedelta(microseconds=1)],
            }
        ),
        "groups": pl.DataFrame(
            {
                "g": pl.Series(["x", "y"], dtype=pl.Categorical),
                "e": pl.Series(["x", "y"], dtype=pl.Enum(["y", "x"])),
            }
        ),
        "nested": pl.DataFrame({"l": [[1], []], "s": [{"a": 1, "b": ["x"]}] * 2}),
        "fixed": pl.DataFrame(
            {"a": pl.Series([[1, 2]], dtype=pl.Array(pl.Int8, 2)), "d": [Decimal("1.10")]}
        ),
        "no rows": pl.DataFrame(schema={"a": pl.Int8, "b": pl.String}),
        "nulls": pl.DataFrame({"n": [None, None]}),
    }


@pytest.mark.parametrize("which", polars_frames())
def test_a_polars_frame_is_written_as_parquet(which):
    frame = polars_frames()[which]
    name, back = round_trip(frame)
    assert name == "polars"
    assert stored(frame)[1][:4] == b"PAR1"
    assert back.schema == frame.schema
    assert back.equals(frame, null_equal=True)


@pytest.mark.parametrize("name", ["scores", ""])
def test_a_polars_series_is_written_as_parquet(name):
    import polars as pl

    series = pl.Series(name, [1.5, None])
    materializer, back = round_trip(series)
    assert materializer == "polars"
    assert (type(back), back.name, back.to_list()) == (pl.Series, name, [1.5, None])


def test_what_parquet_cannot_hold_is_pickled():
    import polars as pl

    lazy = pl.LazyFrame({"a": [1]}).select(pl.col("a") + 1)
    name, back = round_trip(lazy)
    assert (name, back.collect().to_dicts()) == ("cloudpickle", [{"a": 2}])
    assert round_trip(pl.DataFrame())[0] == "cloudpickle"


# -- pyarrow


def arrow_tables():
    import numpy as np
    import pyarrow as pa

    dictionary = pa.array(["x", "y", "x"]).dictionary_encode()
    chunked = pa.chunked_array([[1, 2], [3]])
    return {
        "chunks": pa.table({"a": chunked}),
        "types": pa.table(
            {
                "d": dictionary,
                "h": pa.array([np.float16(1), None, np.float16(3)], pa.float16()),
                "u": pa.array([1, 2, 3], pa.duration("ns")),
                "m": pa.array([[("k", 1)], [], None], pa.map_(pa.string(), pa.int8())),
            }
        ),
        "metadata": pa.table({"a": [1]}).replace_schema_metadata({"made": "here"}),
        "no rows": pa.table({"a": pa.array([], pa.int8())}),
        "no columns": pa.table({}),
        "columns alike": pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["a", "a"]),
    }


@pytest.mark.parametrize("which", arrow_tables())
def test_a_table_is_written_as_an_arrow_stream(which):
    table = arrow_tables()[which]
    name, back = round_trip(table)
    assert name == "arrow"
    assert back.equals(table, check_metadata=True)
    assert [column.num_chunks for column in back.columns if len(column)] == [
        column.num_chunks for column in table.columns if len(column)
    ]


def test_a_record_batch_stays_one():
    import pyarrow as pa

    batch = pa.record_batch({"a": [1, 2]})
    name, back = round_trip(batch)
    assert (name, type(back)) == ("arrow", pa.RecordBatch)
    assert back.equals(batch)


# -- pictures


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA", "I;16"])
def test_an_image_is_written_as_png(mode):
    from PIL import Image

    image = Image.effect_noise((7, 5), 60).convert("RGB").convert(mode if mode != "I;16" else "L")
    if mode == "I;16":
        image = image.convert("I").point(lambda value: value * 200).convert("I;16")
    name, back = round_trip(image)
    assert name == "png"
    assert stored(image)[1].startswith(b"\x89PNG")
    assert (type(back), back.mode, back.size) == (Image.Image, mode, (7, 5))
    assert back.tobytes() == image.tobytes()


@pytest.mark.parametrize("mode", ["P", "CMYK", "F", "HSV"])
def test_an_image_that_png_would_change_is_pickled(mode):
    from PIL import Image

    image = Image.effect_noise((7, 5), 60).convert("RGB").convert("L" if mode == "F" else mode)
    image = image.convert(mode)
    name, back = round_trip(image)
    assert name == "cloudpickle"
    assert (back.mode, back.tobytes()) == (mode, image.tobytes())


def drawing():
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2, 1), dpi=50)
    figure.subplots().plot([1, 3, 2])
    return figure


def test_a_matplotlib_figure_is_written_as_png_and_comes_back_as_the_picture():
    from PIL import Image

    name, back = round_trip(drawing())
    assert name == "figure-png"
    assert (type(back), back.size) == (Image.Image, (100, 50))
    assert len(set(back.convert("L").tobytes())) > 2, "nothing was drawn"


def test_a_plotly_figure_is_written_as_a_page_and_comes_back():
    from plotly import graph_objects

    text = "</script><!-- & \u2028 数据"
    figure = graph_objects.Figure(graph_objects.Scatter(x=[1, 2], y=[0.5, None], text=["a", text]))
    figure.update_layout(title=text)
    name, back = round_trip(figure)
    assert name == "figure-html"
    assert type(back) is graph_objects.Figure
    assert back == figure
    page = stored(figure)[1].decode()
    assert page.lower().startswith(("<html>", "<!doctype html>"))
    assert len(page) < 100_000, "it holds all of plotly"


def test_a_plotly_figure_of_arrays_comes_back():
    import numpy as np
    from plotly import graph_objects

    figure = graph_objects.Figure(graph_objects.Heatmap(z=np.arange(6.0).reshape(2, 3)))
    figure.add_scatter(y=np.array([1, 2], dtype="i1"))
    _, back = round_trip(figure)
    assert back == figure
    heatmap, line = back.data
    assert (type(heatmap.z), heatmap.z.tolist()) == (np.ndarray, [[0, 1, 2], [3, 4, 5]])
    assert (line.y.dtype, line.y.tolist()) == (np.dtype("i1"), [1, 2])


def test_equal_figures_are_equal_bytes():
    from plotly import graph_objects

    assert stored(drawing()) == stored(drawing())
    one, other = (graph_objects.Figure(graph_objects.Bar(y=[1])) for _ in range(2))
    assert stored(one) == stored(other)
