"""Changes from the pages: shown first, confirmed with a reason, in the name of who visits."""

import re
import threading
from html import unescape

import pytest
from browsing import app_of, get
from confirming import (
    before_the_update,
    changed,
    confirm,
    fields_of,
    form_of,
    path_of,
    post,
    revert_url,
    text_of,
)

from stackfold import Workspace
from stackfold.eventsourcing import ProposedChange, policy


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
