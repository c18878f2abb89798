"""The pages of schedules: when runs start, what was started, and the past."""

import re

import pytest
from browsing import HOSTILE, app_of, get
from full_schedules import fill_schedules

from stackfold import Workspace
from stackfold.web.pages import schedules as pages


@pytest.fixture(scope="module")
def ws():
    with Workspace.in_memory(actor="eve@example.com") as workspace:
        workspace.stacks.copy("default", "prod")
        fill_schedules(workspace, HOSTILE)
        yield workspace


@pytest.fixture(scope="module")
def app(ws):
    return app_of(ws)


def shown(app, url):
    answer = get(app, url)
    assert answer.status_code == 200, answer.text
    assert "<script>alert" not in answer.text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.text))


def test_all_schedules_are_listed_with_their_next_time_and_last_run(app, ws):
    text = shown(app, "/schedules")
    for each in ("nightly", "often", "once", "promoted", "0 6 * * * (Europe/Berlin)", "every 1h"):
        assert each in text
    assert ws.schedules.get("nightly").last_run in text
    assert "2090-01-01" in text


def test_a_schedule_has_its_times_and_its_history(app, ws):
    text = shown(app, "/schedules/nightly")
    assert ws.schedules.get("nightly").last_run in text
    for each in ("completed", "not started", "slope", "created", "stackfold schedule describe"):
        assert each in text
    html = get(app, "/schedules/nightly").text
    assert "&lt;script&gt;alert(1)" in html


def test_a_schedule_of_the_past_has_no_times(app, ws):
    position = ws.log.head().position
    ws.schedules.delete("promoted", why="no longer")
    assert "It was deleted." in shown(app, "/schedules/promoted")
    text = shown(app, f"/schedules/promoted?as_of={position}")
    assert "on model-promoted" in text
    assert "to come" not in text
    assert "promoted" in shown(app, f"/schedules?as_of={position}")
    assert "There was no such schedule" in shown(app, "/schedules/nightly?as_of=2")
    assert get(app, "/schedules/nope").status_code == 404


def test_a_long_list_has_pages(app, monkeypatch):
    monkeypatch.setattr(pages, "SIZE", 2)
    assert "Next page" in shown(app, "/schedules")
    assert "Previous page" in shown(app, "/schedules?page=2")
