"""Changes from the pages: shown first, confirmed with a reason, in the name of who visits."""

import asyncio
import re
import threading
import time
from contextlib import contextmanager
from html import unescape
from urllib.parse import urlencode

import httpx
import pytest
from browsing import HOSTILE, KEY, app_of, get

from stackfold import Workspace, pipeline, step
from stackfold.eventsourcing import ProposedChange, policy
from stackfold.views import Listing
from stackfold.web import create_app

HERE = "http://127.0.0.1:8470"
A_PIPELINE = """
from stackfold import pipeline, step

@step
def work(seconds: float) -> int:
    import time
    time.sleep(seconds)
    return 1

@pipeline
def working(seconds: float = 0.0):
    work(seconds)
"""


@contextmanager
def changed():
    """A workspace where "prod" is active, and its store was changed at the end."""
    with Workspace.in_memory(actor="eve@example.com") as workspace:
        workspace.components.register("artifact_store", "lake", "local")
        workspace.stacks.register(
            "prod", orchestrator="default", artifact_store="lake", activate=True
        )
        workspace.stacks.copy("default", "dev")
        workspace.components.update("artifact_store", "lake", {"path": "/data/lake"}, why="full")
        yield workspace


@pytest.fixture
def ws():
    with changed() as workspace:
        yield workspace


@pytest.fixture(scope="module")
def unchanged():
    """A workspace that no test changes."""
    with changed() as workspace:
        yield workspace


@pytest.fixture(scope="module")
def unchanged_app(unchanged):
    return app_of(unchanged, allow_changes=True)


@pytest.fixture
def app(ws):
    return app_of(ws, allow_changes=True)


def post(app, url, form, **headers):
    """Send a form as a browser does; names of headers have `_` for `-`."""
    sent = {"origin": HERE, "sec-fetch-site": "same-origin"}
    sent |= {"content-type": "application/x-www-form-urlencoded"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}

    async def ask():
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url=HERE) as client:
            body = form if isinstance(form, bytes) else urlencode(form)
            given = {name: value for name, value in sent.items() if value}
            return await client.post(url, content=body, headers=given)

    return asyncio.run(ask())


def form_of(app, url, **headers):
    """The address and the fields of the form on a page."""
    answer = get(app, url, **headers)
    assert answer.status_code == 200, answer.text
    return fields_of(answer.text)


def fields_of(html):
    action = unescape(re.search(r'method="post" action="([^"]+)"', html)[1])
    hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', html)
    return action, {name: unescape(value) for name, value in hidden}


def confirm(app, url, why="a reason", **more):
    action, fields = form_of(app, url)
    return post(app, action, {**fields, "why": why, **more})


def text_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", unescape(html)))


def before_the_update(ws):
    return next(each.position for each in ws.log.entries() if each.action == "updated") - 1


def revert_url(ws, **more):
    return f"/changes/revert?{urlencode({'stack': 'prod', 'to': before_the_update(ws), **more})}"


def path_of(ws):
    return ws.components.get("artifact_store", "lake").configuration.get("path")


@policy("tickets", topics=["stack.*"])
def tickets(change: ProposedChange) -> None:
    """Changes of stacks name a ticket."""
    for proposed in change.governed:
        if not proposed.why.startswith("OPS-"):
            change.reject("name a ticket")


# -- each change


def test_a_revert_shows_what_it_would_record_and_then_records_it(ws, app):
    head = ws.log.head().position
    url = revert_url(ws, components="1")
    text = text_of(get(app, url).text)
    assert "This would be recorded, and nothing else" in text
    assert "reverted artifact store lake path /data/lake" in text
    assert "in the name of eve@example.com" in text
    assert ws.log.head().position == head
    answer = confirm(app, url, "it was better")
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        f"/changes/recorded?first={head + 1}&last={head + 1}",
    )
    assert path_of(ws) is None
    said = text_of(get(app, answer.headers["location"]).text)
    assert f"Recorded as #{head + 1}" in said
    assert "reverted artifact store lake" in said
    assert "it was better" in said
    (entry,) = ws.components.history("artifact_store", "lake", 1)
    assert (entry.by, entry.why) == ("eve@example.com", "it was better")


def test_a_revert_can_leave_the_components(ws, app):
    ws.stacks.update("prod", description="more")
    page = get(app, revert_url(ws)).text
    assert "artifact store" not in text_of(page.partition("</section>")[0])
    assert "Revert its components too" in page
    assert "Leave its components as they are" in get(app, revert_url(ws, components="1")).text
    assert confirm(app, revert_url(ws)).status_code == 303
    assert ws.stacks.get("prod").description == ""
    assert path_of(ws) == "/data/lake"


def test_a_component_is_reverted(ws, app):
    url = f"/changes/revert?type=artifact_store&component=lake&to={before_the_update(ws)}"
    assert "Revert artifact store lake to #" in text_of(get(app, url).text)
    assert confirm(app, url).status_code == 303
    assert path_of(ws) is None


def test_a_revert_that_changes_other_stacks_must_be_confirmed(ws, app):
    ws.stacks.register("shared", orchestrator="default", artifact_store="lake")
    url = revert_url(ws, components="1")
    page = get(app, url).text
    assert "artifact store 'lake' is also used by 'shared' and would change there" in text_of(page)
    assert 'type="checkbox" name="confirmed" value="1" required' in page
    answer = confirm(app, url)
    assert answer.status_code == 409
    assert "confirm it" in answer.text
    assert "--yes" not in answer.text
    assert path_of(ws) == "/data/lake"
    assert confirm(app, url, confirmed="1").status_code == 303
    assert path_of(ws) is None


def test_a_stack_is_activated(ws, app):
    url = "/changes/activate?stack=dev"
    text = text_of(get(app, url).text)
    assert "activated stack dev" in text
    assert "Now, stack prod is active" in text
    assert ws.stacks.get().name == "prod"
    answer = confirm(app, url)
    assert ws.stacks.get().name == "dev"
    assert "activated stack dev" in text_of(get(app, answer.headers["location"]).text)
    again = get(app, url)
    assert again.status_code == 409
    assert "is active already" in unescape(again.text)


def test_a_deleted_stack_is_restored(ws, app):
    ws.stacks.delete("dev")
    assert "/changes/restore?stack=dev" in get(app, "/stacks/dev").text
    url = "/changes/restore?stack=dev"
    assert "restored stack dev" in text_of(get(app, url).text)
    assert confirm(app, url).status_code == 303
    assert ws.stacks.get("dev").name == "dev"
    assert get(app, url).status_code == 409


def test_a_deleted_component_is_restored(ws, app):
    ws.components.register("artifact_store", "pond", "local")
    ws.components.delete("artifact_store", "pond")
    assert confirm(app, "/changes/restore?type=artifact_store&component=pond").status_code == 303
    assert ws.components.get("artifact_store", "pond").name == "pond"


def test_the_last_change_is_undone(ws, app):
    assert "reverted artifact store lake" in text_of(get(app, "/changes/undo").text)
    assert confirm(app, "/changes/undo").status_code == 303
    assert path_of(ws) is None


def test_with_nothing_left_to_undo_the_page_says_so():
    with Workspace.in_memory() as ws:
        answer = get(app_of(ws, allow_changes=True), "/changes/undo")
        assert answer.status_code == 409
        assert "undo" in answer.text


def test_a_policy_rejects_the_dry_run_and_the_change():
    with Workspace.in_memory(policies=[tickets]) as ws:
        ws.stacks.copy("default", "s")
        before = ws.log.head().position
        ws.stacks.update("s", description="more")
        app = app_of(ws, allow_changes=True)
        url = f"/changes/revert?stack=s&to={before}"
        action, fields = form_of(app, url)
        ws.policies.enable("tickets", why="OPS-1")
        for answer in (post(app, action, {**fields, "why": "so"}), get(app, url)):
            assert answer.status_code in {200, 403}
            assert "policy 'tickets' rejects the change: name a ticket" in unescape(answer.text)
            assert 'method="post"' not in answer.text
        assert ws.stacks.get("s").description == "more"
        assert confirm(app, f"{url}&why=OPS-2", "OPS-2").status_code == 303
        assert ws.stacks.get("s").description == ""


# -- what must be there


@pytest.mark.parametrize("why", ["", "   ", "\t\n"])
def test_without_a_reason_nothing_is_recorded(ws, app, why):
    head = ws.log.head()
    answer = confirm(app, "/changes/undo", why)
    assert answer.status_code == 400
    assert "the reason is missing" in answer.text
    assert ws.log.head() == head
    action, fields = fields_of(answer.text)
    assert post(app, action, {**fields, "why": "now there is one"}).status_code == 303


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("/changes/revert?stack=nothing&to=3", 404),
        ("/changes/revert?stack=prod&to=999999", 400),
        ("/changes/revert?stack=prod&to=x", 400),
        ("/changes/revert?stack=prod", 400),
        ("/changes/revert?to=3", 400),
        ("/changes/revert?type=nothing&component=lake&to=3", 404),
        ("/changes/revert?type=%3Cb%3E&component=lake&to=3", 400),
        ("/changes/revert?type=artifact_store&component=nothing&to=3", 404),
        ("/changes/activate?stack=nothing", 404),
        ("/changes/activate", 400),
        ("/changes/restore?stack=nothing", 404),
        ("/changes/restore?stack=prod", 409),
        ("/changes/rerun", 400),
        ("/changes/rerun?run=nothing", 404),
        ("/changes/nothing", 404),
        ("/changes/%3Cscript%3E", 404),
        ("/changes/recorded", 400),
        ("/changes/recorded?first=1&last=999999", 400),
    ],
)
def test_unknown_names_are_one_sentence(unchanged_app, url, status):
    answer = get(unchanged_app, url)
    assert (answer.status_code, "Traceback" in answer.text) == (status, False), answer.text
    assert "<script>" not in answer.text
    assert "--" not in re.sub(r"<[^>]*>", "", answer.text)


# -- who may


def test_a_read_only_app_has_no_changes(ws):
    app = app_of(ws)
    assert get(app, "/changes/undo").status_code == 404
    answer = post(app, "/changes/undo", {})
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    for url in ("/stacks/prod", "/stacks/prod?as_of=9", "/stacks/dev", "/log"):
        html = get(app, url).text
        assert "/changes/" not in html
        assert "Read-only." in html


def test_pages_link_the_changes_that_are_possible(app, ws):
    past = unescape(get(app, f"/stacks/prod?as_of={before_the_update(ws)}").text)
    assert f'href="/changes/revert?stack=prod&to={before_the_update(ws)}&components=1"' in past
    assert "/changes/activate?stack=dev" in get(app, "/stacks/dev").text
    assert "/changes/activate" not in get(app, "/stacks/prod").text
    assert "/changes/undo" in get(app, "/log").text
    assert "Changes are allowed." in get(app, "/log").text


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


def test_recorded_texts_are_never_markup(ws, app):
    ws.stacks.update("prod", description=HOSTILE, labels={"tier": HOSTILE}, why=HOSTILE)
    url = "/changes/undo"
    answer = confirm(app, url, HOSTILE)
    for html in (get(app, url).text, get(app, answer.headers["location"]).text):
        assert "<script>alert" not in html
        assert "<img" not in html
        assert "style=" not in html
    assert next(iter(ws.log.entries())).why == HOSTILE


# -- changed in between


def test_what_changed_since_the_page_was_shown_is_not_overwritten(ws, app):
    url = revert_url(ws, components="1")
    action, fields = form_of(app, url)
    with ws.acting_as("bob"):
        ws.components.update("artifact_store", "lake", {"path": "/data/other"}, why="meanwhile")
    head = ws.log.head()
    answer = post(app, action, {**fields, "why": "too late"})
    assert answer.status_code == 409
    assert ws.log.head() == head
    text = text_of(answer.text)
    assert "something changed since you looked, nothing was recorded" in text
    assert re.search(r"Changed since you looked: \S+ bob updated artifact store lake", text)
    assert "/data/other" in text
    assert 'value="too late"' in answer.text
    action, fields = fields_of(answer.text)
    assert post(app, action, {**fields, "why": "now I know"}).status_code == 303
    assert path_of(ws) is None


@pytest.mark.parametrize(
    ("url", "change"),
    [
        ("/changes/undo", lambda ws: ws.stacks.update("prod", description="x")),
        ("/changes/activate?stack=dev", lambda ws: ws.stacks.activate("default")),
        ("/changes/revert?stack=prod&to={}", lambda ws: ws.stacks.update("prod", description="x")),
    ],
)
def test_who_changed_it_in_between_is_said(ws, app, url, change):
    ws.stacks.update("prod", description="of today")
    action, fields = form_of(app, url.format(before_the_update(ws)))
    with ws.acting_as("bob"):
        change(ws)
    head = ws.log.head()
    answer = post(app, action, {**fields, "why": "too late"})
    assert answer.status_code == 409
    assert "bob" in answer.text
    assert ws.log.head() == head


def test_what_changes_elsewhere_does_not_matter(ws, app):
    action, fields = form_of(app, revert_url(ws, components="1"))
    ws.stacks.update("dev", description="something else")
    assert post(app, action, {**fields, "why": "still right"}).status_code == 303


def test_of_two_who_confirm_at_once_one_is_recorded(ws, app):
    action, fields = form_of(app, revert_url(ws, components="1"))
    head, statuses, begin = ws.log.head().position, [], threading.Barrier(4)

    def send():
        begin.wait()
        statuses.append(post(app, action, {**fields, "why": "mine"}).status_code)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(statuses) == [303, 409, 409, 409]
    assert ws.log.head().position == head + 1


# -- reruns


@pytest.fixture
def home(tmp_path, monkeypatch):
    (tmp_path / "worked.py").write_text(A_PIPELINE)
    monkeypatch.chdir(tmp_path)
    with Workspace.open(tmp_path / "home", actor="eve@example.com") as workspace:
        yield workspace


def worked(ws, **parameters):
    loaded = ws.pipelines.load("worked.py:working")
    return ws.runs.start(loaded, parameters).name


def ended(ws, name):
    while ws.runs.get(name).status == "running":
        time.sleep(0.1)
    return ws.runs.get(name)


def test_a_run_is_repeated_in_a_process_of_its_own(home):
    name = worked(home, seconds=0.01)
    app = app_of(home, allow_changes=True)
    url = f"/changes/rerun?run={name}"
    assert f'href="{url}"' in get(app, f"/runs/{name}").text
    text = text_of(get(app, url).text)
    assert "A new run of pipeline working , on stack default exactly as it was" in text
    assert "seconds 0.01" in text
    action, fields = form_of(app, url)
    answer = post(app, action, {**fields, "why": "once more"})
    new = answer.headers["location"].removeprefix("/runs/")
    assert answer.status_code == 303
    run = ended(home, new)
    assert (run.status, run.by) == ("completed", "eve@example.com")
    described = home.runs.describe(new)
    assert (described.rerun_of, described.why) == (home.runs.get(name).id, "once more")
    # The same form, sent twice by a double click, starts nothing else.
    assert post(app, action, {**fields, "why": "once more"}).headers["location"] == f"/runs/{new}"
    assert len(home.runs.list(Listing())) == 2


def test_a_page_does_not_wait_for_the_end_of_a_rerun(home):
    name = worked(home, seconds=1.5)
    answer = confirm(app_of(home, allow_changes=True), f"/changes/rerun?run={name}")
    new = answer.headers["location"].removeprefix("/runs/")
    assert home.runs.get(new).status == "running"
    assert ended(home, new).status == "completed"


def test_a_rerun_that_cannot_start_says_why(home, tmp_path):
    name = worked(home)
    (tmp_path / "worked.py").unlink()
    answer = confirm(app_of(home, allow_changes=True), f"/changes/rerun?run={name}")
    assert answer.status_code == 409
    assert f"run '{name}' was not started again" in unescape(answer.text)
    assert "worked.py" in answer.text
    assert len(home.runs.list(Listing())) == 1


def test_a_log_in_memory_has_no_reruns(ws, app):
    @step
    def one() -> int:
        return 1

    @pipeline
    def single():
        one()

    name = ws.runs.start(single).name
    answer = confirm(app, f"/changes/rerun?run={name}")
    assert answer.status_code == 409
    assert "is in memory" in answer.text
