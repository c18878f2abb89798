"""Runs that are started again from the pages."""

import time
from html import unescape

import pytest
from browsing import app_of, get
from confirming import changed, confirm, form_of, post, text_of

from stackfold import Workspace, pipeline, step
from stackfold.views import Listing

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


@pytest.fixture
def ws():
    with changed() as workspace:
        yield workspace


@pytest.fixture
def app(ws):
    return app_of(ws, allow_changes=True)


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


def test_what_the_pipeline_prints_does_not_matter(home, tmp_path):
    works = A_PIPELINE.replace("return 1", "print('works'); return 1")
    (tmp_path / "worked.py").write_text(f"print('loaded')\n{works}")
    name = worked(home)
    answer = confirm(app_of(home, allow_changes=True), f"/changes/rerun?run={name}")
    assert answer.status_code == 303
    assert ended(home, answer.headers["location"].removeprefix("/runs/")).status == "completed"


@pytest.mark.slow
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
