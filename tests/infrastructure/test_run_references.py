"""References of runs: names, ids and prefixes, and those that are relative to the latest run."""

import pytest
from runnable import single, training

from stackfold.domain.errors import Ambiguous, NotFound, RunFailed
from stackfold.domain.pipelines.pipeline import Pipeline, step


def pipeline_named(name):
    @step
    def only() -> int:
        return 1

    def alone():
        only()

    return Pipeline(alone, name=name)


@pytest.fixture
def started(ws):
    """Runs, oldest first: three of `training`, and one of `alone` that failed after two of them."""
    ids = [ws.runs.start(training, {"rows": rows}).id for rows in (4, 5)]
    with pytest.raises(RunFailed):
        ws.runs.start(single(lambda: 1 / 0))
    ids.append(ws.runs.list()[0].id)
    return [*ids, ws.runs.start(training, {"rows": 6}).id]


EXPECTED = {
    "latest": 3,
    "latest~0": 3,
    "latest~1": 2,
    "latest~3": 0,
    "training": 3,
    "training~1": 1,
    "training~2": 0,
    "alone": 2,
    "failed": 2,
    "good": 3,
    "good~1": 1,
}
TOO_FAR = ("latest~4", "training~3", "failed~1", "alone~1", "nothing~1", "latest~x", "~1")


def test_a_relative_reference_counts_back_from_the_latest_run(ws, started):
    found = {reference: ws.runs.get(reference).id for reference in EXPECTED}
    assert found == {reference: started[number] for reference, number in EXPECTED.items()}
    assert ws.runs.describe("training~1").id == started[1]


def test_a_reference_to_more_runs_than_exist_is_rejected(ws, started):
    for reference in TOO_FAR:
        with pytest.raises(NotFound, match=reference):
            ws.runs.get(reference)


def test_the_error_says_how_many_runs_there_are(ws, started):
    with pytest.raises(NotFound, match="'training' has 3 to count back from"):
        ws.runs.get("training~3")


def test_without_runs_a_relative_reference_is_rejected(ws):
    for reference in ("latest", "failed", "good", "training"):
        with pytest.raises(NotFound, match=reference):
            ws.runs.get(reference)


def test_a_pipeline_called_like_a_word_takes_precedence(ws, started):
    run = ws.runs.start(pipeline_named("failed"))
    assert ws.runs.get("failed").id == run.id
    assert ws.runs.get("latest").id == run.id


def test_a_run_takes_precedence_over_a_pipeline_of_its_name(ws, started):
    first = ws.runs.get(started[0])
    ws.runs.start(pipeline_named(first.name))
    assert ws.runs.get(first.name) == first


def test_a_word_takes_precedence_over_a_prefix(ws, started):
    ws.runs.start(pipeline_named("goods"))
    ws.runs.start(training)
    assert ws.runs.get("good").pipeline == "training"
    assert ws.runs.get("goods-").pipeline == "goods"
    with pytest.raises(Ambiguous):
        ws.runs.get("train")


def test_a_point_in_the_past_may_be_a_relative_reference(ws, started):
    positions = [ws.runs.describe(each).position for each in started]
    assert ws.log.position("run:latest") == positions[3]
    assert ws.log.position("run:training~1") == positions[1]
    assert ws.log.position("run:failed") == positions[2]


def test_the_run_of_an_artifact_is_relative_among_the_runs_of_its_pipeline(ws, started):
    assert ws.artifacts.get("training/load@latest").version == 3
    assert ws.artifacts.get("training/load@good~2").version == 1
    for reference in ("training/load@failed", "training/load@alone", "training/load@latest~3"):
        with pytest.raises(NotFound):
            ws.artifacts.get(reference)
