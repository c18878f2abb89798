"""Tags and metadata of the steps of a run are changed while it runs, or later."""

import pytest
from replay import assert_consistent
from workspaces import names

from stackfold import get_context
from stackfold.domain.errors import (
    InvalidTag,
    NotFound,
    NothingToChange,
    RunFailed,
    TooLarge,
    Unrecordable,
)
from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.infrastructure.finished_run import FinishedRun


@step(tags=["raw"])
def load(rows: int) -> int:
    return rows


@step
def train(data: int) -> int:
    get_context().log_metadata({"auc": data / 10, "kind": "linear"})
    get_context().add_tags("costly")
    return data


@Pipeline
def training(rows: int = 5):
    train(load(rows))


@pytest.fixture
def run(ws):
    return ws.runs.start(training)


def noted(ws, run, step="train"):
    found = {each.name: each for each in ws.runs.steps(run.id)}[step]
    return found.tags, found.metadata


def test_a_step_is_tagged_later(ws, run):
    ws.runs.tag(run.id, ["reviewed"], ["costly", "other"], "looked at it", step="train")
    assert noted(ws, run) == (["reviewed"], {"auc": 0.5, "kind": "linear"})
    assert noted(ws, run, "load") == (["raw"], {})
    assert ws.runs.get(run.id).tags == []
    (entry,) = ws.log.entries(kind="run", limit=1)
    assert (entry.name, entry.action, entry.why) == (run.name, "step annotated", "looked at it")
    assert FinishedRun.of(run, ws).steps["train"].tags == ["reviewed"]
    assert_consistent(ws)


def test_later_metadata_of_a_step_is_found_and_compared_as_its_own(ws, run):
    other = ws.runs.start(training, {"rows": 7})
    ws.runs.log_metadata(run.id, {"auc": 0.9, "kind": "tree", "cost": 3}, step="train")
    assert noted(ws, run)[1] == {"auc": 0.9, "kind": "tree", "cost": 3}
    assert ws.runs.describe(run.id).metrics == ws.runs.get(run.id).metrics == {
        "auc": 0.9, "cost": 3.0,
    }  # fmt: skip
    for condition in ("auc > 0.8", "train.cost = 3", "metadata.train.kind = tree"):
        assert names(ws.runs.list(where=condition)) == [run.name]
    assert names(ws.runs.list(where="metadata.train.kind = linear")) == [other.name]
    # What is no number any longer is no metric.
    ws.runs.log_metadata(run.id, {"auc": "unknown"}, step="train")
    assert ws.runs.get(run.id).metrics == {"cost": 3.0}
    assert_consistent(ws)


def test_a_step_from_the_cache_has_what_was_recorded_and_tags_of_its_own(ws, run):
    ws.runs.tag(run.id, ["reviewed"], ["costly"], step="train")
    ws.runs.log_metadata(run.id, {"kind": "tree"}, step="train")
    cached = ws.runs.start(training)
    assert [each.status for each in ws.runs.steps(cached.id)] == ["cached", "cached"]
    assert noted(ws, cached) == (["costly"], {"auc": 0.5, "kind": "linear"})
    ws.runs.tag(cached.id, ["mine"], step="train")
    assert noted(ws, cached)[0] == ["costly", "mine"]
    assert noted(ws, run)[0] == ["reviewed"]
    assert noted(ws, ws.runs.rerun(run.id, training))[0] == ["costly"]
    assert noted(ws, run) == (["reviewed"], {"auc": 0.5, "kind": "tree"})


def test_a_resumed_run_keeps_what_was_added_to_its_steps(ws):
    attempts = []

    @step
    def flaky(data: int) -> int:
        attempts.append(data)
        get_context().add_tags("own", f"attempt:{len(attempts)}")
        get_context().log_metadata({"auc": len(attempts), "loss": 1})
        if len(attempts) == 1:
            raise ValueError("no")
        return data

    @step
    def score(data: int) -> int:
        return data

    @Pipeline
    def failing():
        score(flaky(load(1)))

    # given a failed step, one that did not run, and what was added to both
    with pytest.raises(RunFailed):
        ws.runs.start(failing)
    run = ws.runs.get("latest")
    ws.runs.tag(run.id, ["flaky"], ["own"], step="flaky")
    ws.runs.log_metadata(run.id, {"loss": 7, "ticket": "A-1"}, step="flaky")
    ws.runs.tag(run.id, ["watch"], step="score")
    ws.runs.tag(run.id, ["kept"], step="load")
    # when the run is resumed
    ws.runs.resume(run.id, failing)
    # then they have what they recorded now, and what was added
    assert noted(ws, run, "flaky") == (
        ["attempt:2", "flaky"],
        {"auc": 2, "loss": 7, "ticket": "A-1"},
    )
    assert noted(ws, run, "score")[0] == ["watch"]
    assert noted(ws, run, "load")[0] == ["raw", "kept"]
    assert ws.runs.get(run.id).metrics == {"auc": 2.0, "loss": 7.0}
    assert_consistent(ws)


def test_a_step_is_tagged_while_it_is_running(ws):
    @step
    def work() -> int:
        context = get_context()
        context.add_tags("own")
        context.log_metadata({"auc": 1, "loss": 1})
        ws.runs.tag(str(context.run), ["watched"], step="work")
        ws.runs.log_metadata(str(context.run), {"loss": 2}, step="work")
        assert noted(ws, ws.runs.get(str(context.run)), "work") == (["watched"], {"loss": 2})
        return 1

    @Pipeline
    def working():
        work()

    run = ws.runs.start(working)
    assert noted(ws, run, "work") == (["own", "watched"], {"auc": 1, "loss": 2})
    assert ws.runs.get(run.id).metrics == {"auc": 1.0, "loss": 2.0}
    assert_consistent(ws)


def test_each_use_of_a_step_has_its_own_tags(ws):
    @Pipeline
    def twice():
        load(1)
        load(2)

    run = ws.runs.start(twice)
    ws.runs.tag(run.id, ["second"], step="load_2")
    assert noted(ws, run, "load")[0] == ["raw"]
    assert noted(ws, run, "load_2")[0] == ["raw", "second"]


def test_what_was_added_is_deleted_with_the_run(ws, run):
    ws.runs.tag(run.id, ["reviewed"], step="train")
    ws.runs.delete(run.id)
    assert ws._database.read("SELECT * FROM step_annotations") == []
    assert_consistent(ws)


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        (
            lambda runs, run: runs.tag(run, ["a"], step="score"),
            NotFound,
            "there is no step 'score': run 'training-.*' has load, train",
        ),
        (lambda runs, run: runs.tag(run, ["a"], step=""), NotFound, "has load, train"),
        (
            lambda runs, run: runs.tag(run, ["costly"], ["other"], step="train"),
            NothingToChange,
            "step 'train' of run 'training-.*' unchanged",
        ),
        (lambda runs, run: runs.tag(run, ["two words"], step="train"), InvalidTag, "two words"),
        (
            lambda runs, run: runs.tag(run, [f"t{n}" for n in range(1000)], step="train"),
            TooLarge,
            "tags",
        ),
        (
            lambda runs, run: runs.log_metadata(run, {"a": object()}, step="train"),
            Unrecordable,
            "the metadata",
        ),
        (
            lambda runs, run: runs.log_metadata(run, {"a": "x" * 10**7}, step="train"),
            TooLarge,
            "metadata 'a'",
        ),
    ],
)
def test_an_invalid_change_changes_nothing(ws, run, change, error, match):
    head = ws.log.head()
    with pytest.raises(error, match=match) as raised:
        change(ws.runs, run.id)
    assert "\n" not in str(raised.value)
    assert ws.log.head() == head
