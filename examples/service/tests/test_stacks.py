"""Stacks by HTTP: actors, tenants, ETags and problem details."""

from fastapi.testclient import TestClient


def test_a_registered_stack_has_its_revision_as_the_etag(alice: TestClient) -> None:
    answer = alice.post("/acme/stacks", json={"name": "prod", "labels": {"team": "vision"}})
    assert answer.status_code == 201
    assert answer.headers["ETag"] == '"1"'
    assert answer.json() == alice.get("/acme/stacks/prod").json()
    assert answer.json()["labels"] == {"team": "vision"}


def test_a_change_is_recorded_for_the_user_and_the_request(alice: TestClient) -> None:
    alice.post("/acme/stacks", json={"name": "prod"}, headers={"X-Request-ID": "request-17"})
    (registered,) = alice.get("/acme/stacks/prod/history").json()
    assert registered["by"] == "alice@example.org"
    assert registered["correlation_id"] == "request-17"


def test_a_change_that_was_decided_on_an_outdated_revision_is_rejected(
    alice: TestClient, bob: TestClient
) -> None:
    seen = alice.post("/acme/stacks", json={"name": "prod"}).headers["ETag"]
    bob.patch("/acme/stacks/prod", json={"description": "For the release"})

    answer = alice.delete("/acme/stacks/prod", headers={"If-Match": seen})

    assert answer.status_code == 412
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["title"] == "StaleRevision"
    assert "bob@example.org changed description" in answer.json()["detail"]
    assert alice.get("/acme/stacks/prod").headers["ETag"] == '"2"'


def test_a_change_with_the_current_etag_is_made(alice: TestClient) -> None:
    seen = alice.post("/acme/stacks", json={"name": "prod"}).headers["ETag"]
    assert alice.delete("/acme/stacks/prod", headers={"If-Match": seen}).status_code == 204
    assert alice.get("/acme/stacks/prod").status_code == 404


def test_a_change_that_changes_nothing_succeeds(alice: TestClient) -> None:
    alice.post("/acme/stacks", json={"name": "prod", "description": "For the release"})
    answer = alice.patch("/acme/stacks/prod", json={"description": "For the release"})
    assert answer.status_code == 204
    assert alice.get("/acme/stacks/prod").headers["ETag"] == '"1"'


def test_tenants_do_not_see_each_other(alice: TestClient) -> None:
    alice.post("/acme/stacks", json={"name": "prod"})
    assert [each["name"] for each in alice.get("/acme/stacks").json()] == ["default", "prod"]
    assert [each["name"] for each in alice.get("/globex/stacks").json()] == ["default"]


def test_errors_have_the_status_of_their_kind(alice: TestClient) -> None:
    alice.post("/acme/stacks", json={"name": "prod"})
    assert alice.get("/initech/stacks").status_code == 404
    assert alice.get("/acme/stacks/absent").status_code == 404
    assert alice.post("/acme/stacks", json={"name": "prod"}).status_code == 409
    assert alice.post("/acme/stacks", json={"name": "not a name"}).status_code == 422
    assert alice.delete("/acme/stacks/prod", headers={"If-Match": "latest"}).status_code == 422
    assert alice.delete("/acme/stacks/default").status_code == 403


def test_a_request_without_a_user_is_rejected(service: None, alice: TestClient) -> None:
    assert alice.get("/acme/stacks", headers={"X-User": ""}).status_code == 422
