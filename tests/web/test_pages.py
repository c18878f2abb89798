"""What the pages show, now and at positions of the past."""

import hashlib
import re
from pathlib import Path

import pytest
from browsing import HOSTILE, app_of, get, history

from stackfold import Workspace, pipeline, step
from stackfold.views import Listing

ROOT = Path(__file__).parents[2]
PAGES = ("/", "/runs", "/log", "/log?all=1", "/schedules")


@pytest.fixture(scope="module")
def ws():
    with history() as workspace:
        yield workspace


@pytest.fixture(scope="module")
def app(ws):
    return app_of(ws)


def shown(app, url, **options):
    answer = get(app, url, **options)
    assert answer.status_code == 200, answer.text
    return answer.text


def text_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


def runs_of(ws):
    return [run.name for run in ws.runs.list(Listing(sort_by="position"))]


@pytest.mark.parametrize("page", PAGES)
def test_recorded_texts_are_never_markup(app, page):
    html = shown(app, page)
    assert "<script>alert" not in html
    assert "<img" not in html
    assert not re.search(r"\son\w+=", html.replace("&lt;img src=x onerror=alert(2)&gt;", ""))
    assert ">49" not in html


def test_the_texts_are_shown_as_they_are(app):
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown(app, "/log")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_no_inline_style_or_script_and_loads_nothing_from_elsewhere(app, page):
    html = shown(app, page)
    assert "style=" not in html
    assert not re.search(r"<script(?! src=\"/)", html)
    assert not re.search(r"(src|href|action)=\"(?!/|#)", html)


def test_every_file_that_a_page_names_exists(app):
    for path in re.findall(r"(?:src|href)=\"(/(?:static|vendor)/[^\"]+)\"", shown(app, "/")):
        assert get(app, path).status_code == 200


def test_the_overview_lists_changes_but_no_steps(app):
    text = text_of(shown(app, "/"))
    assert "eve updated artifact store lake" in text
    assert "activated stack prod" in text
    assert "step" not in text


def test_the_head_of_the_log_is_on_every_page(app, ws):
    head = ws.log.head()
    for page in PAGES:
        assert f"log #{head.position} {head.hash.hex()[:8]}" in text_of(shown(app, page))


def test_the_log_shows_changes_or_everything(app):
    assert "step completed" not in shown(app, "/log")
    assert "step completed" in shown(app, "/log?all=1")
    assert "step completed" in shown(app, "/log?type=run")


def test_the_log_is_filtered(app):
    text = text_of(shown(app, "/log?type=artifact-store&name=lake"))
    assert "updated artifact store lake" in text
    assert "registered stack prod" not in text
    assert "No event matches" in shown(app, "/log?by=nobody")


def test_the_log_is_paged_without_gaps(ws, app, monkeypatch):
    monkeypatch.setattr("stackfold.web.pages.log.SIZE", 3)
    found, url = [], "/log?all=1"
    while url:
        html = shown(app, url)
        found += [int(each) for each in re.findall(r'class="position"[^>]*>#(\d+)', html)]
        older = re.search(r'rel="next" href="([^"]+)"', html)
        url = older and older[1].replace("&amp;", "&")
    assert found == [*range(ws.log.head().position, 0, -1)]


def test_runs_are_filtered_sorted_and_paged(ws, app, monkeypatch):
    def listed(url):
        return re.findall(r"<th scope=\"row\"><a [^>]*><bdi>([^<]+)", shown(app, url))

    names = runs_of(ws)
    assert listed("/runs") == names[::-1]
    assert listed("/runs?sort=started") == names
    assert names[0] not in shown(app, "/runs?status=failed")
    monkeypatch.setattr("stackfold.web.pages.runs.SIZE", 2)
    assert "page=2" in shown(app, "/runs")
    assert listed("/runs?page=2") == names[:1]
    assert "Next page" not in shown(app, "/runs?page=2")


def test_a_page_shows_the_state_at_a_position(ws, app):
    position = next(each.position for each in ws.log.entries() if each.action == "updated")
    for form in (f"%23{position}", str(position)):
        text = text_of(shown(app, f"/?as_of={form}"))
        assert "1 run, none failed" in text
        assert "Back to now" in text
        assert "Failing since" not in text
    assert "2 runs, none failed" in text_of(shown(app, f"/?as_of=run:{runs_of(ws)[1]}"))
    assert runs_of(ws)[1] not in shown(app, f"/runs?as_of={position}")
    before = text_of(shown(app, f"/log?as_of={position - 1}"))
    assert "updated artifact store lake" not in before


def test_links_keep_the_position(ws, app):
    html = shown(app, "/?as_of=3")
    assert 'href="/log?as_of=3"' in html
    assert 'href="/">Back to now' in html


def test_a_run_that_ended_later_was_running_then(ws, app):
    started = next(e.position for e in ws.log.entries(kind="run") if e.action == "started")
    assert "running" in shown(app, f"/runs?as_of={started}")


def test_the_position_of_the_head_is_now(ws, app):
    assert "Back to now" not in shown(app, f"/?as_of={ws.log.head().position}")


@pytest.mark.parametrize(
    ("url", "status", "sentence"),
    [
        ("/?as_of=never", 400, "never"),
        ("/?as_of=999999", 400, "999999"),
        ("/?as_of=0", 400, "0"),
        ("/?as_of=run:nothing", 404, "there is no run"),
        ("/runs?sort=colour", 400, "there is no column"),
        ("/runs?page=0", 400, "give a whole number"),
        ("/log?before=x", 400, "give a whole number"),
        ("/nothing", 404, "there is no page"),
        ("/%3Cscript%3E", 404, "&lt;script&gt;"),
    ],
)
def test_an_error_is_a_page_with_one_sentence(app, url, status, sentence):
    answer = get(app, url)
    assert answer.status_code == status
    assert sentence in answer.text
    assert "Traceback" not in answer.text


def test_a_bug_is_a_page_without_a_traceback(ws, monkeypatch, caplog):
    app = app_of(ws)
    monkeypatch.setattr(type(ws.stacks), "list", lambda *_, **__: 1 / 0)
    answer = get(app)
    assert answer.status_code == 500
    assert "unexpected ZeroDivisionError: this is a bug in Stackfold" in answer.text
    assert "Traceback" not in answer.text
    assert "ZeroDivisionError" in caplog.text


def test_under_a_prefix_every_address_begins_with_it(app):
    html = shown(app, "/ops/log", root_path="/ops")
    addresses = re.findall(r"(?:src|href|action)=\"([^\"]*)\"", html)
    assert [each for each in addresses if not each.startswith(("/ops/", "#"))] == []
    assert get(app, "/ops/static/app.css", root_path="/ops").status_code == 200


def test_an_empty_log_has_an_overview():
    with Workspace.in_memory() as ws:
        assert "No run yet." in shown(app_of(ws), "/")


def test_the_actor_is_asked_for_each_request(ws):
    asked = []

    def actor(request):
        asked.append(request.headers["x-user"])
        return asked[-1]

    app = app_of(ws, actor=actor)
    shown(app, "/", x_user="ada")
    shown(app, "/log", x_user="bob")
    assert asked == ["ada", "bob"]


def test_vendored_files_are_those_that_were_published():
    vendor = ROOT / "web" / "vendor"
    for line in (vendor / "VERSIONS").read_text().splitlines():
        name, _, _, _, digest = line.split()
        assert hashlib.sha256((vendor / name).read_bytes()).hexdigest() == digest
    scripts = {path.name for path in vendor.glob("*.js")}
    assert scripts == {line.split()[0] for line in (vendor / "VERSIONS").read_text().splitlines()}
    assert "Zero-Clause BSD" in (vendor / "htmx.LICENSE").read_text()


def test_a_text_that_attacks_is_in_every_place_that_users_write_to(ws):
    assert ws.stacks.get("prod").description == HOSTILE
    assert any(each.why == HOSTILE for each in ws.log.entries())


def test_an_artifact_of_the_past_has_no_later_use_and_no_later_version():
    @step
    def source() -> int:
        return 1

    @step
    def sink(number: int, factor: int) -> int:
        return number

    @pipeline
    def flow(factor: int):
        sink(source(), factor)

    with Workspace.in_memory() as ws:
        ws.runs.start(flow, {"factor": 1})
        before = ws.log.head().position
        ws.runs.start(flow, {"factor": 2})  # takes the output of the first step from the cache
        app = app_of(ws)
        text = text_of(shown(app, "/artifacts/flow/source/output"))
        assert "used by 2 steps" in text
        assert "flow/sink/output@2" in text
        text = text_of(shown(app, f"/artifacts/flow/source/output?as_of={before}"))
        assert "used by 1 step" in text
        assert "flow/sink/output@1" in text
        assert "flow/sink/output@2" not in text
