"""Hints that the command line adds to error messages."""

import pytest
from error_examples import example

from stackfold.cli.hints import HINTS, hint_for, with_hint
from stackfold.errors import (
    ArtifactDamaged,
    ComponentDeleted,
    Invalid,
    MissingSecret,
    NeedsConfirmation,
    NotFound,
    NotInStack,
    RunFailed,
    StackfoldError,
)


def test_the_hint_follows_the_message_in_parentheses():
    error = NeedsConfirmation({"artifact store 'shared'": ["test"]})
    assert with_hint(error) == f"{error} (--yes)"
    assert with_hint(Invalid("a is not b")) == "a is not b"


@pytest.mark.parametrize("kind", HINTS, ids=lambda kind: kind.__name__)
def test_every_hint_is_for_an_error_and_in_one_line(kind):
    assert issubclass(kind, StackfoldError)
    assert len(with_hint(example(kind)).splitlines()) == 1


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (ArtifactDamaged("file:///a", "is missing"), ""),
        (ArtifactDamaged("file:///a", "is missing", again=True), "--no-cache"),
        (
            ComponentDeleted("artifact store", "lake", "prod", "artifact-store"),
            "`stackfold artifact-store restore lake`",
        ),
        (
            ComponentDeleted("artifact store", "lake", "prod", "artifact-store", True),
            "`stackfold artifact-store restore lake`, or --with-components",
        ),
        (
            MissingSecret({"{{s3.key}}": "the store", "{{s3.secret}}": ""}),
            "`stackfold secret create s3 --key=-`, `stackfold secret create s3 --secret=-`",
        ),
        (NotFound("run", "a1"), "`stackfold run list`"),
        (NotFound("run", "a1", "see the runs of the pipeline 'p'"), ""),
        (NotFound("stack", "prdo"), ""),
        (NotInStack("prod", "run"), ""),
    ],
)
def test_the_hint_depends_on_the_data(error, hint):
    assert hint_for(error) == hint


def test_a_failed_run_hints_at_what_made_its_step_fail():
    failed = RunFailed("calm-otter", "train", "it is damaged")
    assert hint_for(failed) == ""
    failed.__cause__ = ArtifactDamaged("file:///a", "is missing", again=True)
    assert hint_for(failed) == "--no-cache"
