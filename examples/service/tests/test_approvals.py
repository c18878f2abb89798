"""Approvals: the aggregate by its events, and by HTTP."""

from fastapi.testclient import TestClient

from stack_service.approvals import Approval
from stackfold.errors import Conflict, Forbidden
from stackfold.testing import event, given

ALICE, BOB = "alice@example.org", "bob@example.org"
requested = event(
    Approval.Requested, name="prod-3", stack="prod", stack_revision=3, requested_by=ALICE
)
granted = event(Approval.Granted, granted_by=BOB)


def test_an_approval_is_requested() -> None:
    given(Approval).when(lambda cls: cls.request("prod", 3, ALICE)).then(requested)


def test_another_user_grants_an_approval() -> None:
    given(Approval, requested).when(lambda approval: approval.grant(BOB)).then(granted)


def test_nobody_grants_an_approval_to_themselves() -> None:
    given(Approval, requested).when(lambda approval: approval.grant(ALICE)).rejected(Forbidden)


def test_an_approval_is_granted_once() -> None:
    granting = given(Approval, requested, granted).when(lambda approval: approval.grant(BOB))
    granting.rejected(Conflict)


def test_a_granted_approval_labels_the_stack_in_the_same_change(
    alice: TestClient, bob: TestClient
) -> None:
    alice.post("/acme/stacks", json={"name": "prod"})
    asked = alice.post("/acme/stacks/prod/approvals")
    assert (asked.status_code, asked.headers["ETag"]) == (201, '"1"')

    answer = bob.post("/acme/approvals/prod-1/grant", headers={"If-Match": '"1"'})

    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')
    assert answer.json()["granted_by"] == BOB
    assert alice.get("/acme/approvals").json() == [answer.json()]
    labelled, _ = alice.get("/acme/stacks/prod/history").json()
    assert (labelled["action"], labelled["by"]) == ("updated", BOB)
    assert labelled["why"] == "Approval prod-1"


def test_an_approval_of_a_stack_that_was_changed_since_grants_nothing(
    alice: TestClient, bob: TestClient
) -> None:
    alice.post("/acme/stacks", json={"name": "prod"})
    alice.post("/acme/stacks/prod/approvals")
    alice.patch("/acme/stacks/prod", json={"description": "Changed in between"})

    answer = bob.post("/acme/approvals/prod-1/grant")

    assert (answer.status_code, answer.json()["title"]) == (412, "StaleRevision")
    (approval,) = alice.get("/acme/approvals").json()
    assert approval["granted_by"] == ""
    assert alice.get("/acme/stacks/prod").json()["labels"] == {}


def test_approvals_have_problem_details_too(alice: TestClient) -> None:
    alice.post("/acme/stacks", json={"name": "prod"})
    alice.post("/acme/stacks/prod/approvals")
    assert alice.post("/acme/stacks/prod/approvals").status_code == 409
    assert alice.post("/acme/approvals/prod-1/grant").status_code == 403
    assert alice.post("/acme/approvals/absent/grant").status_code == 404


def test_the_activity_of_each_user_is_counted(alice: TestClient, bob: TestClient) -> None:
    alice.post("/acme/stacks", json={"name": "prod"})
    alice.post("/acme/stacks/prod/approvals")
    bob.post("/acme/approvals/prod-1/grant")
    counted = alice.get("/acme/activity").json()
    assert (counted[ALICE], counted[BOB]) == (2, 2)
