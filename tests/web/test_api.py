"""The JSON API: what it answers, and how it rejects."""

import json
from pathlib import Path

import pytest
from browsing import HOSTILE, KEY, app_of, get, history

from stackfold.web import create_app
from stackfold.web.api.application import OPERATIONS
from stackfold.web.api.openapi import document

DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"


@pytest.fixture(scope="module")
def ws():
    with history() as workspace:
        yield workspace


@pytest.fixture(scope="module")
def app(ws):
    return app_of(ws)


def answered(app, url, status=200, **options):
    answer = get(app, f"/api/v1{url}", **options)
    assert answer.status_code == status, answer.text
    expected = "application/json" if status == 200 else "application/problem+json"
    assert answer.headers["content-type"] == expected
    return answer.json()


def whole(app, url):
    """The items of all pages of a list."""
    found = []
    while url:
        page = answered(app, url)
        found += page["items"]
        url = page["next"] and page["next"].removeprefix("/api/v1")
    return found


def names(found):
    return [each["name"] for each in found["items"]]


def test_the_document_is_current():
    """`make reference` writes it."""
    assert json.loads(DOCUMENT.read_text()) == document(OPERATIONS)


def test_views_are_objects(app):
    stack = answered(app, "/stacks/prod")
    assert stack["name"] == "prod"
    assert stack["components"] == {"orchestrator": ["default"], "artifact_store": ["lake"]}
    steps = answered(app, "/runs/latest")["steps"]
    assert [(step["name"], step["status"]) for step in steps] == [("load", "failed")]


def test_texts_are_unchanged(app):
    assert answered(app, "/stacks/prod")["description"] == HOSTILE


def test_a_list_is_paged_by_following_next(app):
    everything = names(answered(app, "/runs"))
    assert [run["name"] for run in whole(app, "/runs?limit=1")] == everything
    assert len(everything) == 3


def test_pages_stay_at_the_position_of_the_first_one():
    with history() as ws:
        app = app_of(ws)
        first = answered(app, "/stacks?limit=1")
        ws.stacks.register("a", orchestrator="default", artifact_store="default")
        second = answered(app, first["next"].removeprefix("/api/v1"))
        assert names(first) + names(second) == ["default", "prod"]
        assert first["position"] == second["position"]
        assert names(answered(app, "/stacks")) == ["a", "default", "prod"]


def test_the_log_is_paged_without_gaps(ws, app):
    positions = [*range(1, ws.log.head().position + 1)]
    assert [each["position"] for each in whole(app, "/log?limit=3")] == positions[::-1]
    assert [each["position"] for each in whole(app, "/log/events?limit=3")] == positions


def test_a_question_can_be_asked_of_the_past(ws, app):
    changed = next(each.position for each in ws.log.entries() if each.action == "updated")
    before = answered(app, f"/components/artifact_store/lake?as_of={changed - 1}")
    assert before["configuration"] == {}
    url = f"/components/artifact_store/lake?as_of=%23{changed}"
    assert answered(app, url)["configuration"] == {"path": HOSTILE}
    history = answered(app, f"/stacks/prod/history?as_of={changed - 1}")
    assert "updated" not in {entry["action"] for entry in history}
    assert names(answered(app, f"/stacks?as_of={1}")) == []


def test_lists_are_filtered_and_sorted(app):
    assert len(names(answered(app, "/runs?status=failed&by=eve@example.com"))) == 2
    assert names(answered(app, "/runs?pipeline=nothing")) == []
    assert names(answered(app, "/runs?sort=started")) == names(answered(app, "/runs"))[::-1]
    assert names(answered(app, "/components?type=artifact_store")) == ["default", "lake"]
    kinds = {entry["kind"] for entry in answered(app, "/log?kind=stack&kind=run")["items"]}
    assert kinds == {"stack", "run"}


@pytest.mark.parametrize(
    ("url", "status", "code", "sentence"),
    [
        ("/stacks/nothing", 404, "NotFound", "there is no stack 'nothing'"),
        ("/components/nothing/x", 404, "UnknownComponentType", "there is no component type"),
        ("/flavors/artifact_store/x", 404, "UnknownFlavor", "there is no artifact store flavor"),
        ("/runs/nothing", 404, "NotFound", "there is no run 'nothing'"),
        ("/artifacts/a/b/c", 404, "NotFound", "there is no artifact"),
        ("/nothing", 404, "NotFound", "there is no operation 'nothing'"),
        ("/stacks?as_of=9999", 400, "AsOfOutOfRange", "it covers"),
        ("/stacks?as_of=never", 400, "InvalidAsOf", "never"),
        ("/stacks?limit=501", 400, "Invalid", "limit is '501': give a whole number from 1 to 500"),
        ("/stacks?limit=x", 400, "Invalid", "give a whole number"),
        ("/stacks?limit=1&limit=2", 400, "Invalid", "limit is given 2 times"),
        ("/stacks?colour=red", 400, "Invalid", "there is no parameter 'colour'"),
        ("/stacks?sort=colour", 400, "InvalidListing", "there is no column 'colour'"),
        ("/stacks?label=x", 400, "Invalid", "give key=value"),
        ("/runs?status=odd", 400, "Invalid", "give one of running, completed"),
        ("/artifacts?latest=1", 400, "Invalid", "give one of true, false"),
        ("/runs/latest/diff", 400, "Invalid", "other is missing"),
    ],
)
def test_an_error_is_one_object(app, url, status, code, sentence):
    problem = answered(app, url, status)
    assert problem["status"] == status
    assert problem["code"] == code
    assert problem["type"] == f"urn:stackfold:error:{code}"
    assert sentence in problem["detail"]
    assert problem["kind"] in {"NotFound", "Invalid"}


def test_an_error_has_the_data_of_its_class(app):
    problem = answered(app, "/stacks/nothing", 404)
    assert problem["data"]["kind"] == "stack"
    assert problem["data"]["reference"] == "nothing"


def test_a_bug_is_an_object_without_a_traceback(ws, monkeypatch, caplog):
    monkeypatch.setattr(type(ws.stacks), "list", lambda *_, **__: 1 / 0)
    problem = answered(app_of(ws), "/stacks", 500)
    assert "unexpected ZeroDivisionError: this is a bug in Stackfold" in problem["detail"]
    assert "ZeroDivisionError" in caplog.text


def test_programs_have_the_key_in_a_header(ws):
    locked = create_app(ws, key=KEY)
    assert answered(locked, "/stacks", authorization=f"Bearer {KEY}")
    for wrong in (f"Bearer {KEY}x", "Bearer", f"Basic {KEY}", KEY):
        problem = answered(locked, "/stacks", 401, authorization=wrong)
        assert problem["code"] == "Unauthorized"
    assert get(locked, "/api/v1/stacks").headers["www-authenticate"].startswith("Bearer")


def test_what_the_guard_rejects_is_an_object_too(app):
    assert answered(app, "/stacks", 421, host="evil.example")["code"] == "MisdirectedRequest"
    assert answered(app, "/stacks", 405, method="POST")["code"] == "MethodNotAllowed"
    assert answered(app, "/stacks", 403, origin="http://evil.example")["code"] == "Forbidden"


def test_under_a_prefix_addresses_begin_with_it(app):
    answer = get(app, "/ops/api/v1/stacks?limit=1", root_path="/ops").json()
    assert answer["next"].startswith("/ops/api/v1/stacks?")
    assert get(app, answer["next"], root_path="/ops").json()["items"][0]["name"] == "prod"
    described = get(app, "/ops/api/v1/openapi.json", root_path="/ops").json()
    assert described["servers"] == [{"url": "/ops/api/v1"}]


def test_addresses_of_next_pages_are_quoted(app):
    answer = get(app, "/ops%20%C3%BC/api/v1/stacks?limit=1", root_path="/ops ü").json()
    assert answer["next"].startswith("/ops%20%C3%BC/api/v1/stacks?")
