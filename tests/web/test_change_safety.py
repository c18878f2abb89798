"""Who can change something from the pages, and by which forms."""

import asyncio
from html import unescape
from urllib.parse import urlencode

import httpx
import pytest
from browsing import HOSTILE, KEY, app_of, get
from confirming import (
    HERE,
    before_the_update,
    changed,
    confirm,
    form_of,
    post,
    revert_url,
)

from stackfold.web import create_app


@pytest.fixture
def ws():
    with changed() as workspace:
        yield workspace


@pytest.fixture
def app(ws):
    return app_of(ws, allow_changes=True)


@pytest.fixture(scope="module")
def unchanged():
    """A workspace that no test changes."""
    with changed() as workspace:
        yield workspace


@pytest.fixture(scope="module")
def unchanged_app(unchanged):
    return app_of(unchanged, allow_changes=True)


def test_a_read_only_app_has_no_changes(ws):
    app = app_of(ws)
    assert get(app, "/changes/undo").status_code == 404
    answer = post(app, "/changes/undo", {})
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    component = "/components/artifact_store/lake"
    for url in (
        "/stacks/prod",
        "/stacks/dev",
        "/log",
        *(f"{at}?as_of=9" for at in ("/stacks/prod", component)),
    ):
        html = get(app, url).text
        assert "/changes/" not in html
        assert "Read-only." in html


def test_pages_link_the_changes_that_are_possible(app, ws):
    past = unescape(get(app, f"/stacks/prod?as_of={before_the_update(ws)}").text)
    assert f'href="/changes/revert?stack=prod&to={before_the_update(ws)}&components=1"' in past
    assert "/changes/activate?stack=dev" in get(app, "/stacks/dev").text
    assert "/changes/activate" not in get(app, "/stacks/prod").text
    assert "/changes/undo" in get(app, "/log").text
    url = "/components/artifact_store/lake"
    revert = f"type=artifact_store&component=lake&to={before_the_update(ws)}"
    assert f"/changes/revert?{revert}" in unescape(
        get(app, f"{url}?as_of={before_the_update(ws)}").text
    )
    assert "/changes/" not in get(app, url).text
    assert "Changes are allowed." in get(app, "/log").text


def test_pages_link_no_revert_that_is_impossible(ws, app):
    head = ws.log.head().position
    url = "/components/artifact_store"
    assert "/changes/revert" not in get(app, f"{url}/default?as_of={head - 1}").text
    assert "/changes/revert" in get(app, f"{url}/lake?as_of={head - 1}").text
    ws.components.rename("artifact_store", "lake", "sea")
    assert "component=sea" in get(app, f"{url}/lake?as_of={head}").text
    ws.stacks.activate("dev")
    ws.stacks.delete("prod")
    ws.components.delete("artifact_store", "sea")
    assert "/changes/revert" not in get(app, f"{url}/lake?as_of={head}").text


@pytest.mark.parametrize("path", ["/", "/stacks/prod", "/log", "/changes", "/x/changes/undo"])
def test_nothing_else_can_be_sent_to(unchanged_app, path):
    assert post(unchanged_app, path, {"why": "x"}).status_code == 405


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_rejected(unchanged_app, method):
    assert get(unchanged_app, "/changes/undo", method=method).status_code == 405


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://localhost:8778"},
        {"origin": "http://127.0.0.1:8471"},
        {"origin": "null"},
        {"origin": ""},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "none"},
        {"sec_fetch_site": ""},
        {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"},
        {"content_type": "text/plain"},
        {"content_type": "multipart/form-data; boundary=x"},
        {"content_type": ""},
    ],
)
def test_a_form_that_another_site_sends_is_rejected(unchanged, unchanged_app, headers):
    ws, app, head = unchanged, unchanged_app, unchanged.log.head()
    action, fields = form_of(app, "/changes/undo")
    assert post(app, action, {**fields, "why": "forged"}, **headers).status_code == 403
    assert ws.log.head() == head


@pytest.mark.parametrize("field", ["token", "seen", "expected", "outcome"])
@pytest.mark.parametrize("value", ["", "0", "x", "é", None])
def test_a_form_with_other_fields_is_rejected(unchanged, unchanged_app, field, value):
    ws, app, head = unchanged, unchanged_app, unchanged.log.head()
    action, fields = form_of(app, "/changes/undo")
    forged = {**fields, field: value, "why": "forged"}
    if value is None:
        del forged[field]
    answer = post(app, action, forged)
    assert answer.status_code == 403
    assert "this form was not shown to you here" in answer.text
    assert ws.log.head() == head


def test_a_form_confirms_only_what_it_showed(ws, app):
    head = ws.log.head()
    _, fields = form_of(app, "/changes/activate?stack=dev")
    form = {**fields, "why": "forged"}
    for url in ("/changes/activate?stack=default", "/changes/undo", revert_url(ws)):
        assert post(app, url, form).status_code == 403
    assert ws.log.head() == head


def test_the_form_of_another_person_or_application_is_rejected(ws):
    def named(request):
        return request.headers["x-user"]

    app = app_of(ws, allow_changes=True, actor=named)
    action, fields = form_of(app, "/changes/undo", x_user="ada")
    form = {**fields, "why": "because"}
    assert post(app, action, form, x_user="bob").status_code == 403
    other = app_of(ws, allow_changes=True, actor=named)
    assert post(other, action, form, x_user="ada").status_code == 403
    assert post(app, action, form, x_user="ada").status_code == 303
    assert next(iter(ws.log.entries())).by == "ada"


def test_processes_with_the_same_key_accept_each_others_forms(ws):
    one, other = (create_app(ws, key=KEY, allow_changes=True) for _ in range(2))
    cookie = get(one, f"/?key={KEY}").headers["set-cookie"].partition(";")[0]
    action, fields = form_of(one, "/changes/undo", cookie=cookie)
    form = {**fields, "why": "because"}
    assert post(other, action, form).status_code == 401
    assert post(other, action, form, cookie=cookie).status_code == 303


def test_bodies_that_are_no_forms_are_rejected(ws, app):
    head = ws.log.head()
    action, fields = form_of(app, "/changes/undo")
    assert post(app, action, {**fields, "why": "x" * 70000}).status_code == 413
    assert post(app, action, b"\xff\xfe").status_code == 400
    assert post(app, action, b"&".join(b"a=1" for _ in range(100))).status_code == 400
    assert post(app, action, b"").status_code == 403
    assert ws.log.head() == head


def test_a_body_of_unknown_size_is_read_up_to_a_limit(app):
    sent = []

    async def parts():
        for _ in range(1000):
            sent.append(1)
            yield b"x" * 1024

    async def ask():
        transport = httpx.ASGITransport(app=app)
        headers = {"origin": HERE, "sec-fetch-site": "same-origin"}
        headers |= {"content-type": "application/x-www-form-urlencoded"}
        async with httpx.AsyncClient(transport=transport, base_url=HERE) as client:
            return await client.post("/changes/undo", content=parts(), headers=headers)

    assert asyncio.run(ask()).status_code == 400
    assert len(sent) < 100


def test_a_form_that_is_sent_in_part_changes_nothing(ws, app):
    head, statuses = ws.log.head(), []
    action, fields = form_of(app, "/changes/undo")
    part = urlencode({**fields, "why": "because"}).encode()
    messages = [
        {"type": "http.request", "body": part, "more_body": True},
        {"type": "http.disconnect"},
    ]
    headers = {"host": HERE[7:], "origin": HERE, "sec-fetch-site": "same-origin"}
    headers |= {"content-type": "application/x-www-form-urlencoded"}
    path, _, query = action.partition("?")
    scope = {"type": "http", "method": "POST", "scheme": "http", "path": path}
    scope |= {"query_string": query.encode(), "root_path": ""}
    scope["headers"] = [(name.encode(), text.encode()) for name, text in headers.items()]

    async def receive():
        return messages.pop(0)

    async def send(message):
        statuses.append(message.get("status"))

    asyncio.run(app(scope, receive, send))
    assert statuses[0] == 400
    assert ws.log.head() == head


def test_recorded_texts_are_never_markup(ws, app):
    ws.stacks.update("prod", description=HOSTILE, labels={"tier": HOSTILE}, why=HOSTILE)
    url = "/changes/undo"
    answer = confirm(app, url, HOSTILE)
    for html in (get(app, url).text, get(app, answer.headers["location"]).text):
        assert "<script>alert" not in html
        assert "<img" not in html
        assert "style=" not in html
    assert next(iter(ws.log.entries())).why == HOSTILE
