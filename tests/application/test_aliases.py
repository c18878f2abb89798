"""An alias of an artifact stands for a version, can be moved, and has a history."""

from typing import Annotated

import pytest

from stackfold.domain.errors import InvalidName, NotFound, NothingToChange
from stackfold.domain.pipelines.earlier_inputs import artifact
from stackfold.domain.pipelines.output import Output
from stackfold.domain.pipelines.pipeline import Pipeline, step


@step
def load(rows: int) -> Annotated[int, Output("dataset")]:
    return rows


@step
def double(data: int) -> int:
    return data * 2


@Pipeline
def loading(rows: int = 1):
    load(rows)


@pytest.fixture
def artifacts(workspace):
    for rows in (5, 6, 7):
        workspace.runs.start(loading, {"rows": rows})
    return workspace.artifacts


def test_an_alias_stands_for_a_version_until_it_is_moved(artifacts):
    artifacts.alias("dataset@1", "approved", "first")
    assert artifacts.load("dataset@approved") == 5
    artifacts.alias("dataset", "approved", "better")
    assert artifacts.get("dataset@approved").view.reference == "dataset@3"


def test_history_says_who_moved_it_and_why(artifacts):
    artifacts.alias("dataset@1", "approved", "first")
    artifacts.alias("dataset@2", "approved", "better")
    newest, oldest = artifacts.history("dataset")
    assert (newest.why, oldest.why) == ("better", "first")
    assert "@1" in str(newest.changes)
    assert "@2" in str(newest.changes)


def test_aliases_are_read_with_who_set_them_now_and_in_the_past(artifacts, workspace):
    assert artifacts.aliases("dataset") == []
    assert artifacts.aliases("nothing") == []
    artifacts.alias("dataset@1", "approved", "first")
    first = workspace.log.head().position
    artifacts.alias("dataset@2", "best", "small")
    artifacts.alias("dataset@2", "approved", "better")
    approved, best = artifacts.aliases("dataset")
    assert (approved.alias, approved.version, approved.why) == ("approved", 2, "better")
    assert (best.alias, best.version, best.by) == ("best", 2, workspace.actor)
    assert best.position == approved.position - 1
    (past,) = artifacts.aliases("dataset", until=first)
    assert (past.alias, past.version, past.why, past.position) == ("approved", 1, "first", first)
    assert artifacts.aliases("dataset", until=first - 1) == []


def test_undo_moves_it_back(artifacts, workspace):
    artifacts.alias("dataset@1", "approved")
    artifacts.alias("dataset@2", "approved")
    workspace.undo()
    assert artifacts.get("dataset@approved").version == 1
    workspace.undo()
    with pytest.raises(NotFound):
        artifacts.get("dataset@approved")
    artifacts.alias("dataset@3", "approved")
    assert artifacts.get("dataset@approved").version == 3


def test_an_alias_is_removed_and_the_version_remains(artifacts):
    artifacts.alias("dataset@1", "approved")
    artifacts.alias("dataset@1", "old")
    artifacts.remove_alias("dataset@approved")
    artifacts.remove_alias("dataset@old")
    for alias in ("approved", "old"):
        with pytest.raises(NotFound):
            artifacts.get(f"dataset@{alias}")
    assert artifacts.get("dataset@1").version == 1
    with pytest.raises(NotFound, match="there is no alias"):
        artifacts.remove_alias("dataset@old")


def test_an_output_without_its_own_name_has_aliases_too(artifacts, workspace):
    workspace.runs.start(Pipeline(lambda: double(1), name="doubling"))
    artifacts.alias("doubling/double", "best")
    assert artifacts.load("doubling/double/output@best") == 2


def test_setting_it_again_changes_nothing(artifacts):
    artifacts.alias("dataset@1", "approved")
    with pytest.raises(NothingToChange):
        artifacts.alias("dataset@1", "approved")


@pytest.mark.parametrize("alias", ["3", "v3", "latest", "0123456789", "a b", ""])
def test_an_alias_is_no_number_and_no_id(artifacts, alias):
    with pytest.raises(InvalidName):
        artifacts.alias("dataset@1", alias)


def test_a_step_takes_the_version_that_an_alias_stood_for_at_the_start(artifacts, workspace):
    pipeline = Pipeline(lambda: double(artifact("dataset@approved")), name="doubling")
    artifacts.alias("dataset@1", "approved")
    first = workspace.runs.start(pipeline)
    artifacts.alias("dataset@2", "approved")
    assert workspace.runs.load(workspace.runs.rerun(first.id, pipeline).id, "double") == 10
    assert workspace.runs.load(workspace.runs.start(pipeline).id, "double") == 12
