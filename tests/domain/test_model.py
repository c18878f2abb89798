"""A model has aliases, each of which stands for one version; a version has a status."""

from uuid import UUID

import pytest

from stackfold.domain.errors import Conflict, InvalidAlias, InvalidName, NotFound, NothingToChange
from stackfold.domain.models.model import Model
from stackfold.domain.models.model_version import ModelVersion
from stackfold.domain.models.verdict import Verdict
from stackfold.testing import event, given

ONE, TWO, RUN = UUID(int=1), UUID(int=2), UUID(int=3)
REGISTERED = event(Model.Registered, name="fraud", description="", tags=())
FIRST = event(Model.Promoted, alias="production", version=ONE, number=1, replaces=None)
SECOND = event(Model.Promoted, alias="production", version=TWO, number=2, replaces=1)
OPENED = event(
    ModelVersion.Opened,
    name="fraud@1",
    model=ONE,
    number=1,
    run=RUN,
    stack_id=TWO,
    stack="default",
    stack_revision=1,
)
COMPLETED = event(ModelVersion.Completed)
ARCHIVED = event(ModelVersion.Archived)


def test_a_promotion_names_the_version_that_it_replaces():
    given(Model, REGISTERED, FIRST).when(lambda it: it.promote("production", TWO, 2)).then(SECOND)


def test_the_verdict_of_a_gate_is_recorded_with_the_promotion():
    verdict = Verdict(rule="auc > 0.9", passed=True, findings=("auc > 0.9: 0.91 > 0.9 is true",))
    given(Model, REGISTERED).when(lambda it: it.promote("production", ONE, 1, verdict)).then(
        event(
            Model.Promoted,
            alias="production",
            version=ONE,
            number=1,
            replaces=None,
            verdict=verdict,
        )
    )


def test_a_version_is_promoted_to_an_alias_once():
    given(Model, REGISTERED, FIRST).when(lambda it: it.promote("production", ONE, 1)).rejected(
        NothingToChange
    )


def test_a_rollback_returns_to_a_version_that_had_the_alias():
    given(Model, REGISTERED, FIRST, SECOND).when(
        lambda it: it.roll_back("production", ONE, 1)
    ).then(event(Model.RolledBack, alias="production", version=ONE, number=1, replaces=2))
    given(Model, REGISTERED, FIRST).when(lambda it: it.roll_back("production", TWO, 2)).rejected(
        Conflict
    )
    given(Model, REGISTERED).when(lambda it: it.roll_back("production", TWO, 2)).rejected(NotFound)


def test_a_refusal_changes_nothing():
    verdict = Verdict(rule="auc > 1", passed=False)
    refused = event(
        Model.PromotionRefused, alias="production", version=TWO, number=2, verdict=verdict
    )
    given(Model, REGISTERED, FIRST).when(lambda it: it.refuse("production", TWO, 2, verdict)).then(
        refused
    )
    given(Model, REGISTERED, FIRST, refused).when(
        lambda it: it.promote("production", ONE, 1)
    ).rejected(NothingToChange)


def test_names_and_aliases_follow_their_rules():
    given(Model, REGISTERED).when(lambda it: it.rename("no name")).rejected(InvalidName)
    given(Model, REGISTERED).when(lambda it: it.set_gate("7", "auc > 1")).rejected(InvalidAlias)


def test_a_deleted_model_is_not_promoted():
    deleted = event(Model.Deleted)
    given(Model, REGISTERED, deleted).when(lambda it: it.promote("production", ONE, 1)).rejected(
        NotFound
    )


def test_a_version_is_completed_once_and_archived_when_completed():
    given(ModelVersion, OPENED).when(lambda it: it.complete()).then(COMPLETED)
    given(ModelVersion, OPENED, COMPLETED).when(lambda it: it.complete()).then()
    given(ModelVersion, OPENED).when(lambda it: it.archive()).then()
    given(ModelVersion, OPENED, COMPLETED).when(lambda it: it.archive()).then(ARCHIVED)
    given(ModelVersion, OPENED, COMPLETED, ARCHIVED).when(lambda it: it.unarchive()).then(
        event(ModelVersion.Unarchived)
    )


@pytest.mark.parametrize("status", [(), (event(ModelVersion.Abandoned, reason="deleted"),)])
def test_only_a_completed_version_is_promotable(status):
    given(ModelVersion, OPENED, *status).when(lambda it: it.must_be_promotable()).rejected(Conflict)
