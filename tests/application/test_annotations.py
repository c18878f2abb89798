"""Tags and metadata of versions are changed after they were made."""

from typing import Annotated

import pytest

from stackfold.application.listing.listing import Listing
from stackfold.domain.errors import InvalidTag, NotFound, NothingToChange, TooLarge, Unrecordable
from stackfold.domain.pipelines.output import Output
from stackfold.domain.pipelines.pipeline import Pipeline, step


@step
def load(rows: int) -> Annotated[int, Output("dataset", tags=["raw"], metadata={"rows": 1})]:
    return rows


@Pipeline
def loading(rows: int = 1):
    load(rows)


@pytest.fixture
def dataset(ws):
    ws.runs.start(loading)
    return "dataset@1"


def noted(ws, as_of=None):
    found = ws.artifacts.describe("dataset@1", as_of=as_of)
    return found.tags, found.metadata


def test_tags_and_metadata_are_added_and_removed(ws, dataset):
    view = ws.artifacts.annotate(
        dataset, add=["team:vision", "reviewed"], metadata={"rows": 3, "by": "ada"}, why="checked"
    )
    assert view.tags == ["raw", "team:vision", "reviewed"]
    assert noted(ws) == (view.tags, {"rows": 3, "by": "ada"})
    ws.artifacts.annotate(dataset, remove=["raw", "none"], without=["by"])
    assert noted(ws) == (["team:vision", "reviewed"], {"rows": 3})


def test_an_artifact_is_found_by_a_later_tag(ws, dataset):
    ws.artifacts.annotate(dataset, add=["team:vision"])
    found = ws.artifacts.list(Listing(tags=("team:vision",)))
    assert [each.reference for each in found] == [dataset]
    (output,) = ws.runs.describe(ws.runs.list()[0].id).steps[0].outputs
    assert output.tags == ["raw", "team:vision"]


def test_the_history_says_who_changed_what_and_why(ws, dataset):
    assert ws.artifacts.history(dataset) == []
    ws.artifacts.annotate(dataset, add=["reviewed"], why="by hand")
    ws.artifacts.annotate(dataset, metadata={"rows": 3})
    latest, first = ws.artifacts.history(dataset)
    assert first.why == "by hand"
    assert [(each.field, each.before, each.after) for each in latest.changes] == [
        ("metadata rows", 1, 3)
    ]


def test_a_change_is_undone_and_what_was_noted_then_is_known(ws, dataset):
    ws.artifacts.annotate(dataset, add=["reviewed"])
    then = ws.artifacts.history(dataset)[0].position
    ws.artifacts.annotate(dataset, add=["bad"], metadata={"rows": 0})
    ws.undo()
    assert noted(ws) == (["raw", "reviewed"], {"rows": 1})
    ws.undo()
    assert noted(ws) == (["raw"], {"rows": 1})
    assert noted(ws, then) == (["raw", "reviewed"], {"rows": 1})
    ws.artifacts.annotate(dataset, add=["again"])
    assert noted(ws) == (["raw", "again"], {"rows": 1})


def test_a_description_of_the_past_has_the_versions_and_aliases_of_then(ws, dataset):
    ws.artifacts.alias(dataset, "approved")
    then = ws.artifacts.history("dataset")[0].position
    ws.runs.start(loading, {"rows": 2})
    ws.artifacts.alias("dataset@2", "approved")
    assert ws.artifacts.describe("dataset@approved").version == 2
    assert ws.artifacts.describe("dataset@approved", as_of=then).version == 1
    assert ws.artifacts.describe("dataset", as_of=then).version == 1
    with pytest.raises(NotFound):
        ws.artifacts.describe("dataset@2", as_of=then)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"add": ["two words"]}, InvalidTag),
        ({"metadata": {"rows": object()}}, Unrecordable),
        ({"metadata": {"rows": "x" * 10**7}}, TooLarge),
        ({"add": [f"t{number}" for number in range(1000)]}, TooLarge),
        ({"add": ["raw"]}, NothingToChange),
        ({"remove": ["other"]}, NothingToChange),
    ],
)
def test_an_invalid_change_changes_nothing(ws, dataset, change, error):
    with pytest.raises(error):
        ws.artifacts.annotate(dataset, **change)
    assert noted(ws) == (["raw"], {"rows": 1})
