"""Lists of runs, and lookups by name, id or prefix."""

import pytest
from runnable import single, training

from stackfold.application.listing.listing import Condition, Listing
from stackfold.domain.errors import InvalidListing, RunFailed
from stackfold.infrastructure.workspace import Workspace


@pytest.fixture(scope="module")
def workspace():
    with Workspace.in_memory() as workspace:
        workspace.stacks.register("prod", orchestrator="default", artifact_store="default")
        workspace.runs.start(training)
        workspace.runs.start(training, stack="prod")
        with pytest.raises(RunFailed):
            workspace.runs.start(single(lambda: 1 / 0))
        yield workspace


def listed(workspace, *conditions, **options):
    listing = Listing(where=tuple(Condition(*each) for each in conditions), **options)
    return [(run.pipeline, run.stack, run.status) for run in workspace.runs.list(listing)]


FIRST = ("training", "default", "completed")
SECOND = ("training", "prod", "completed")
FAILED = ("alone", "default", "failed")


def test_the_latest_run_comes_first(workspace):
    views = workspace.runs.list()
    assert [(run.pipeline, run.stack, run.status) for run in views] == [FAILED, SECOND, FIRST]
    assert listed(workspace, sort_by="position") == [FIRST, SECOND, FAILED]


def test_runs_are_listed_a_page_at_a_time(workspace):
    assert listed(workspace, sort_by="position", size=2, page=2) == [FAILED]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (("pipeline", "equals", "training"), [FIRST, SECOND]),
        (("stack", "equals", "prod"), [SECOND]),
        (("status", "equals", "failed"), [FAILED]),
        (("status", "oneof", "failed,completed"), [FIRST, SECOND, FAILED]),
        (("name", "startswith", "alone-"), [FAILED]),
        (("error", "contains", "ZeroDivision"), [FAILED]),
    ],
)
def test_runs_are_filtered_by_their_columns(workspace, condition, expected):
    assert listed(workspace, condition, sort_by="position") == expected


def test_an_unknown_column_of_runs_is_rejected(workspace):
    with pytest.raises(InvalidListing, match="colour"):
        listed(workspace, sort_by="colour")


def test_a_run_that_has_just_started_shows_its_steps_as_pending(workspace):
    seen = []

    def look():
        (latest, *_) = workspace.runs.list()
        seen.append(workspace.runs.describe(latest.id))

    workspace.runs.start(single(look))
    (description,) = seen
    assert (description.status, description.ended) == ("running", None)
    assert [(step.name, step.status) for step in description.steps] == [("only", "pending")]
