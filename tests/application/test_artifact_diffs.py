"""Two artifacts are compared by what is recorded of them, and by content that is safe to read."""

from typing import Annotated

import pytest

from stackfold.domain.errors import Conflict, NotFound
from stackfold.domain.pipelines.output import Output
from stackfold.domain.pipelines.pipeline import Pipeline, step


@step
def rows(count: int) -> Annotated[list[int], "counted"]:
    return [*range(count)]


@step
def load(rows: list[int], label: str) -> Annotated[dict[str, object], Output("dataset")]:
    return {"label": label, "rows": rows}


@Pipeline
def loading(count: int = 1, label: str = "a"):
    load(rows(count), label)


@pytest.fixture
def datasets(ws):
    ws.runs.start(loading)
    ws.runs.start(loading, {"count": 2, "label": "b"})
    ws.artifacts.annotate("dataset@2", add=["reviewed"], metadata={"rows": 2})
    return "dataset@1", "dataset@2"


def test_the_differences_of_record_origin_and_content(ws, datasets):
    found = ws.artifacts.diff(*datasets)
    by_subject = {}
    for each in found.differences:
        by_subject.setdefault(each.about, {})[each.field] = (each.before, each.after)
    assert by_subject["artifact"]["tags"] == ([], ["reviewed"])
    assert by_subject["metadata"] == {"rows": (None, 2)}
    assert [*by_subject["origin"]] == ["run"]
    assert by_subject["parameters"] == {"label": ("a", "b")}
    assert by_subject["inputs"] == {"rows": ("loading/rows/counted@1", "loading/rows/counted@2")}
    assert by_subject["content"] == {"label": ("a", "b"), "rows[1]": (None, 1)}
    assert (found.same_bytes, found.omitted) == (False, "")


def test_an_artifact_does_not_differ_from_itself(ws, datasets):
    found = ws.artifacts.diff("dataset@1", "dataset@1")
    assert (found.differences, found.same_bytes) == ([], True)
    with pytest.raises(NotFound):
        ws.artifacts.diff("dataset@1", "dataset@9")


def test_many_differences_are_counted(ws):
    ws.runs.start(loading)
    ws.runs.start(loading, {"count": 200})
    found = ws.artifacts.diff("dataset@1", "dataset@2")
    assert len([each for each in found.differences if each.about == "content"]) == 50
    assert found.omitted == "149 more differences of the content"


def test_a_run_whose_artifact_has_an_alias_is_not_deleted(ws, datasets):
    ws.artifacts.alias("dataset@1", "approved")
    first = ws.runs.list()[-1]
    with pytest.raises(Conflict, match="dataset@approved"):
        ws.runs.delete(first.id)
    ws.artifacts.alias("dataset@2", "approved")
    ws.runs.delete(first.id)


def test_a_run_whose_artifact_another_run_has_is_deleted(ws, datasets):
    ws.artifacts.alias("dataset@1", "approved")
    first = ws.runs.list()[-1]
    ws.runs.start(loading)  # from the cache
    ws.runs.delete(first.id)
    assert ws.artifacts.load("dataset@approved") == {"label": "a", "rows": [0]}
