"""Deployment: a model that a pipeline made, served under a name."""

from functools import partial
from uuid import UUID

import pytest
from event_examples import ARTIFACT, DEPLOYER, STORE

from stackfold.domain.deployments.deployment import Deployment
from stackfold.domain.deployments.release import FollowedAlias, Release, Server
from stackfold.domain.errors import (
    Conflict,
    InvalidName,
    InvalidTraffic,
    NotFound,
    NothingToChange,
)
from stackfold.testing import event, given

FACTS = {
    "name": "churn",
    "model": "training/train/model@3",
    "artifact": ARTIFACT,
    "store": STORE,
    "stack_id": UUID(int=20),
    "stack": "prod",
    "stack_revision": 3,
    "deployer": DEPLOYER,
}
SERVER = {"reference": {"pid": 1, "ports": [8000]}, "url": "http://127.0.0.1:8000"}


def release(number, share=100, server=None):
    """A release of a version of the model."""
    return Release(
        server=server or UUID(int=100 + number),
        model=f"training/train/model@{number}",
        artifact=ARTIFACT.model_copy(update={"id": UUID(int=200 + number)}),
        store=STORE,
        share=share,
    )


registered = event(Deployment.Registered, **FACTS, version=None)
requested = event(Deployment.StartRequested)
started = event(Deployment.Started, **SERVER, servers={}, gateway=None)
failed = event(Deployment.Failed, error="it ended")
stopped = event(Deployment.Stopped)
deleted = event(Deployment.Deleted)

HISTORIES = {
    "unfinished": [registered],
    "started": [registered, started],
    "failed": [registered, failed],
    "stopped": [registered, started, stopped],
    "unfinished again": [registered, started, requested],
}


def reference(deployment):
    """What the first server is found by."""
    return deployment.rollout.reference(str(deployment.rollout.main.server))


def each(*which):
    return pytest.mark.parametrize("history", [HISTORIES[name] for name in which], ids=which)


def test_what_is_to_be_served_is_recorded_before_anything_is_started():
    deployment = given(Deployment).when(lambda kind: kind.register(**FACTS)).then(registered)
    assert (deployment.status, reference(deployment)) == ("unfinished", None)


@pytest.mark.parametrize("name", ["", "a b", "-dash"])
def test_the_rule_for_names_holds_for_deployments_too(name):
    given(Deployment).when(lambda kind: kind.register(**{**FACTS, "name": name})).rejected(
        InvalidName, "cannot name a deployment"
    )


@each("unfinished", "unfinished again")
def test_its_server_predicts(history):
    deployment = given(Deployment, *history).when(lambda d: d.start(**SERVER)).then(started)
    assert (deployment.status, reference(deployment)) == ("started", SERVER["reference"])


@each("unfinished", "unfinished again")
def test_its_server_does_not_come_to_predict(history):
    deployment = given(Deployment, *history).when(lambda d: d.fail("it ended")).then(failed)
    assert deployment.status == "failed"


@each("started", "failed", "stopped")
@pytest.mark.parametrize("outcome", [lambda d: d.start(**SERVER), lambda d: d.fail("no")])
def test_there_is_one_outcome_of_one_start(history, outcome):
    given(Deployment, *history).when(outcome).rejected(Conflict, "'churn'")


@each("unfinished", "started", "failed", "stopped")
def test_it_is_served_again_whatever_became_of_it(history):
    deployment = given(Deployment, *history).when(lambda d: d.request_start()).then(requested)
    assert (deployment.status, reference(deployment)) == ("unfinished", None)


@each("unfinished", "started", "unfinished again")
def test_what_may_have_a_server_is_stopped(history):
    deployment = given(Deployment, *history).when(lambda d: d.stop()).then(stopped)
    assert deployment.status == "stopped"


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("failed", "'churn' failed, so it has no server: start or delete it"),
        ("stopped", "'churn' is stopped: start or delete it"),
    ],
)
def test_what_has_no_server_is_not_stopped(state, told):
    given(Deployment, *HISTORIES[state]).when(lambda d: d.stop()).rejected(Conflict, told)


@each(*HISTORIES)
def test_it_is_deleted_in_every_state(history):
    assert given(Deployment, *history).when(lambda d: d.delete()).then(deleted).deleted


@pytest.mark.parametrize(
    "command",
    [
        lambda d: d.delete(),
        lambda d: d.stop(),
        lambda d: d.request_start(),
        lambda d: d.start(**SERVER),
        partial(Deployment.fail, error="no"),
    ],
)
def test_once_deleted_it_is_gone(command):
    given(Deployment, registered, deleted).when(command).rejected(
        NotFound, "there is no deployment 'churn'"
    )


# -- updates

AT = Server(reference={"pid": 2}, url="http://127.0.0.1:8001")
FRAUD = FollowedAlias(model=UUID(int=30), name="fraud", alias="production")


def asked(*releases, previous=(2,), because=None):
    return event(Deployment.UpdateRequested, releases=releases, previous=previous, because=because)


def switched(*releases):
    return event(Deployment.Switched, servers={str(each.server): AT for each in releases})


def test_another_model_is_requested_before_its_server_is_started():
    deployment = (
        given(Deployment, registered, started)
        .when(lambda d: d.request_update([release(4)]))
        .then(asked(release(4)))
    )
    assert deployment.rollout.main.model == FACTS["model"]
    assert deployment.rollout.new_servers == (str(release(4).server),)


def test_after_the_switch_the_former_server_is_retired():
    deployment = (
        given(Deployment, registered, started, asked(release(4)))
        .when(lambda d: d.switch({str(release(4).server): AT}))
        .then(switched(release(4)))
    )
    assert deployment.rollout.main == release(4)
    assert deployment.rollout.retired == (str(deployment.id),)
    assert (deployment.rollout.previous, deployment.rollout.pending) == ((2,), None)


def test_a_failed_update_keeps_what_is_served():
    deployment = (
        given(Deployment, registered, started, asked(release(4)))
        .when(lambda d: d.fail_update("it ended"))
        .then(event(Deployment.UpdateFailed, error="it ended"))
    )
    assert (deployment.status, deployment.rollout.main.model) == ("started", FACTS["model"])
    assert deployment.rollout.retired == (str(release(4).server),)
    assert deployment.rollout.previous == ()


def test_a_rollback_goes_back_one_more_model_each_time():
    history = [
        *(registered, started),
        *(asked(release(4)), switched(release(4))),
        *(asked(release(5), previous=(4, 2)), switched(release(5))),
    ]
    back = asked(release(4), previous=(2,))
    given(Deployment, *history).when(lambda d: d.request_update([release(4)], goes_back=True)).then(
        back
    )
    given(Deployment, *history, back, switched(release(4))).when(
        lambda d: d.request_update([release(3)], goes_back=True)
    ).then(asked(release(3), previous=()))


def test_a_rollback_from_two_models_goes_back_to_what_was_served_alone():
    both = (release(4, 90), release(5, 10))
    deployment = (
        given(Deployment, registered, started, asked(*both), switched(*both))
        .when(lambda d: d.request_update([release(5)]))
        .then(asked(release(5)))
    )
    assert deployment.rollout.previous == (2,)


@pytest.mark.parametrize("shares", [(), (0, 100), (50, 49), (101,), (-1, 101), (60, 60)])
def test_shares_are_whole_percentages_of_all_requests(shares):
    releases = [release(number, share) for number, share in enumerate(shares, 4)]
    given(Deployment, registered, started).when(lambda d: d.request_update(releases)).rejected(
        InvalidTraffic, "the traffic cannot be divided like this"
    )


def test_an_older_promotion_never_replaces_a_newer_one():
    history = [registered, started, asked(release(4), because=20), switched(release(4))]
    for position in (19, 20):
        given(Deployment, *history).when(
            lambda d, at=position: d.request_update([release(5)], at)
        ).rejected(NothingToChange, "")


@each("unfinished", "failed", "stopped", "unfinished again")
def test_only_what_is_served_is_updated(history):
    given(Deployment, *history).when(lambda d: d.request_update([release(4)])).rejected(
        Conflict, "is not served: start it first"
    )


def test_one_update_at_a_time():
    given(Deployment, registered, started, asked(release(4))).when(
        lambda d: d.request_update([release(5)])
    ).rejected(Conflict, "was interrupted: start it")
    for outcome in (lambda d: d.switch({}), lambda d: d.fail_update("no")):
        given(Deployment, registered, started).when(outcome).rejected(
            Conflict, "no update of the deployment 'churn' was requested"
        )


def test_an_alias_is_followed_until_it_is_not():
    followed = event(Deployment.Followed, follows=FRAUD, because=9)
    deployment = given(Deployment, registered).when(lambda d: d.follow(FRAUD, 9)).then(followed)
    assert (deployment.follows, deployment.rollout.because) == (FRAUD, 9)
    given(Deployment, registered, followed).when(lambda d: d.follow(FRAUD)).rejected(
        NothingToChange, ""
    )
    given(Deployment, registered, followed).when(lambda d: d.unfollow()).then(
        event(Deployment.Unfollowed)
    )
    given(Deployment, registered).when(lambda d: d.unfollow()).rejected(
        Conflict, "follows no alias"
    )
