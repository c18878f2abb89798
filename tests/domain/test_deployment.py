"""Deployment: a model that a pipeline made, served under a name."""

from functools import partial
from uuid import UUID

import pytest
from event_examples import ARTIFACT, DEPLOYER, STORE

from stackfold.domain.deployments.deployment import Deployment
from stackfold.domain.errors import Conflict, InvalidName, NotFound
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

registered = event(Deployment.Registered, **FACTS)
requested = event(Deployment.StartRequested)
started = event(Deployment.Started, **SERVER)
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


def each(*which):
    return pytest.mark.parametrize("history", [HISTORIES[name] for name in which], ids=which)


def test_what_is_to_be_served_is_recorded_before_anything_is_started():
    deployment = given(Deployment).when(lambda kind: kind.register(**FACTS)).then(registered)
    assert (deployment.status, deployment.reference) == ("unfinished", None)


@pytest.mark.parametrize("name", ["", "a b", "-dash"])
def test_the_rule_for_names_holds_for_deployments_too(name):
    given(Deployment).when(lambda kind: kind.register(**{**FACTS, "name": name})).rejected(
        InvalidName, "cannot name a deployment"
    )


@each("unfinished", "unfinished again")
def test_its_server_predicts(history):
    deployment = given(Deployment, *history).when(lambda d: d.start(**SERVER)).then(started)
    assert (deployment.status, deployment.reference) == ("started", SERVER["reference"])


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
    assert (deployment.status, deployment.reference) == ("unfinished", None)


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
