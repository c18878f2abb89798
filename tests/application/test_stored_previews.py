"""Materializers describe what they store: facts in its metadata, and previews beside it."""

import logging
from datetime import timedelta

import numpy as np
import pytest

from stackfold import get_context, materializer, pipeline, step
from stackfold.errors import NotFound


class Forest:
    """Only a pickle, or a materializer of its own, can store it."""

    def __init__(self, shown):
        self.shown = shown


@materializer(name="test-forest", for_type=Forest)
class Forests:
    def write(self, value, file):
        file.write(b"forest")

    def read(self, file):
        return Forest(None)

    def metadata(self, value):
        return {"made by": get_context().step}

    def preview(self, value):
        return value.shown() if callable(value.shown) else value.shown


def picture():
    from PIL import Image

    return Image.new("RGB", (3, 2))


def figure():
    from matplotlib.figure import Figure

    return Figure(figsize=(1, 1), dpi=10)


def fails():
    raise RuntimeError("no\nluck")


SHOWN = {"text": "a forest", "picture": picture, "figure": figure, "svg": b"<svg/>"}
FORMS = {"text": "text", "picture": "picture", "figure": "picture", "svg": "drawing"}
NOT_SHOWN = {
    "fails": (fails, "RuntimeError: no luck"),
    "large": (b"\x89PNG\r\n\x1a\n" + bytes(2**20), "the most are 1,048,576"),
    "pickle": (b"\x80\x04.", "no text, picture or page"),
    "number": (3, "a builtins.int is no text, picture or page"),
}


def grow(ws, shown):
    @step(name="plant", enable_cache=False)
    def plant() -> Forest:
        return Forest(shown)

    @pipeline
    def growing():
        plant()

    return ws.runs.start(growing)


@pytest.mark.parametrize("which", SHOWN)
def test_a_preview_is_stored_beside_the_artifact_and_shown(ws, which):
    grow(ws, SHOWN[which])
    preview = ws.artifacts.preview("growing/plant", timeout=10.0)
    assert (preview.stored, preview.form) == (True, FORMS[which])
    with ws.artifacts.open("growing/plant") as file:
        assert file.read() == b"forest"
    with ws.artifacts.open_preview("growing/plant") as file:
        assert file.read(4) in (b"a fo", b"\x89PNG", b"<svg")
    assert ws.artifacts.describe("growing/plant").metadata == {"made by": "plant"}


@pytest.mark.parametrize("which", NOT_SHOWN)
def test_a_preview_that_fails_is_a_warning(ws, which, caplog):
    shown, problem = NOT_SHOWN[which]
    with caplog.at_level(logging.WARNING, "stackfold.metadata"):
        run = grow(ws, shown)
    assert ws.runs.get(run.id).status == "completed"
    (record,) = caplog.records
    assert problem in record.getMessage()
    assert "\n" not in record.getMessage()
    assert ws.artifacts.preview("growing/plant").stored is False
    with pytest.raises(NotFound, match="preview"), ws.artifacts.open_preview("growing/plant"):
        pass


def test_a_long_text_is_cut(ws):
    grow(ws, "x" * 50_000)
    with ws.artifacts.open_preview("growing/plant") as file:
        assert len(file.read().decode()) == 20_000


def test_pruning_keeps_previews_as_long_as_their_artifacts(ws):
    run = grow(ws, "a forest")
    ws.artifacts.prune(grace=timedelta())
    assert ws.artifacts.preview("growing/plant").stored
    ws.runs.delete(run.id)
    (pruned,) = ws.artifacts.prune(grace=timedelta())
    assert len(pruned.removed) >= 2


def test_a_cached_artifact_keeps_its_preview(ws):
    @step
    def plant() -> Forest:
        return Forest("a forest")

    @step(enable_cache=False)
    def look(forest: Forest) -> None: ...

    @pipeline
    def growing():
        look(plant())

    for _ in range(2):
        ws.runs.start(growing)
    (output,) = ws.runs.describe(ws.runs.list()[0].id).steps[0].outputs
    assert output.preview["size"] == 8


def test_values_without_a_preview_have_none_in_the_log(ws, tmp_path):
    @step
    def plain() -> int:
        return 1

    @pipeline
    def plainly():
        plain()

    ws.runs.start(plainly)
    ws.log.export(tmp_path / "log.jsonl")
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    (line,) = [each for each in lines if "step_completed" in each]
    assert "preview" not in line
    assert "manifest" not in line


# -- facts


def facts_of(value):
    from round_trip import MATERIALIZERS

    return dict(MATERIALIZERS.prepare(value)[0].metadata(value))


def test_arrays_and_pictures():
    assert facts_of(np.zeros((2, 3), "f4")) == {"shape": [2, 3], "dtype": "float32"}
    assert facts_of(np.float64(1)) == {}
    assert facts_of(picture()) == {"size": [3, 2], "mode": "RGB"}
    assert facts_of({"a": 1}) == {}


NUMBERS = {"a": {"min": 1, "max": 3, "mean": 2.0, "nulls": 0},
           "b": {"min": 0.5, "max": 1.5, "mean": 1.0, "nulls": 1}}  # fmt: skip
COLUMNS = {"a": [1, 2, 3], "b": [0.5, float("nan"), 1.5], "t": ["x", "y", "z"]}


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_tables(library):
    module = pytest.importorskip(library)
    make = module.table if library == "pyarrow" else module.DataFrame
    found = facts_of(make(COLUMNS))
    assert (found["rows"], [*found["columns"]]) == (3, ["a", "b", "t"])
    assert {name: dict(each) for name, each in found["statistics"].items()} == NUMBERS
    assert facts_of(make(COLUMNS)["a"] if library != "pyarrow" else make(COLUMNS))["rows"] == 3


def test_facts_are_bounded():
    import pandas as pd

    wide = facts_of(pd.DataFrame(np.zeros((2, 200)), columns=[f"c{at}" for at in range(200)]))
    assert (len(wide["columns"]), wide["more_columns"]) == (50, 150)
    assert len(wide["statistics"]) == 20
    assert "statistics" not in facts_of(pd.DataFrame({"a": np.zeros(1_000_001)}))
    missing = facts_of(pd.DataFrame({"a": [np.nan], "b": pd.array([None], "Int64")}))
    none = {"min": None, "max": None, "mean": None, "nulls": 1}
    assert missing["statistics"] == {"a": none, "b": none}
    assert facts_of(pd.DataFrame({"x" * 500: [1]}))["columns"].keys() == {"x" * 99 + "…"}


def test_estimators_have_their_parameters():
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    forest = RandomForestClassifier(n_estimators=3, class_weight={0: 1.0})
    found = facts_of(forest.fit([[0.0], [1.0]], [0, 1]))
    assert found["features"] == 1
    assert found["parameters"]["n_estimators"] == 3
    assert found["parameters"]["class_weight"] == "dict"
    assert facts_of(make_pipeline(StandardScaler()))["parameters"]["steps"] == "list"


def test_facts_of_odd_values_are_none():
    import pandas as pd

    class Odd:
        __module__ = "sklearn.odd"

    assert facts_of(Odd()) == {}
    assert facts_of(pd.Timestamp("2026-01-01")) == {}
    assert facts_of(pd.DataFrame([[1, 2]], columns=["a", "a"]))["rows"] == 1
    assert facts_of(pd.DataFrame())["rows"] == 0
