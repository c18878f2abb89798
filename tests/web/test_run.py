"""The page of a run."""

import re
from typing import Annotated

import pytest
from browsing import HOSTILE, app_of, get, history

from stackfold import Workspace, get_context, pipeline, step
from stackfold.errors import RunFailed
from stackfold.web.pages.printed import MOST_LINES, end_of


def shown(app, url, status=200):
    answer = get(app, url)
    if answer.status_code == 302:
        answer = get(app, answer.headers["location"])
    assert answer.status_code == status, answer.text
    return answer.text


def text_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


def section(html, heading):
    """The text of a page from a heading on."""
    return text_of(html[html.index(heading) :])


@step
def load(rows: int) -> Annotated[list[int], "table"]:
    print(f"read {rows} rows")
    return [*range(rows)]


@step
def train(table: list[int], trees: int) -> Annotated[float, "model"]:
    print("\r50% grown\r100% grown")
    if trees > 100:
        raise MemoryError(f"cannot grow {trees} trees\n{HOSTILE}")
    get_context().log_metadata({"auc": 0.9844, "note": HOSTILE})
    return 0.5


@pipeline
def credit(rows: int = 3, trees: int = 10, note: str = HOSTILE):
    train(load(rows), trees)


@pytest.fixture(scope="module")
def ws():
    """Three runs on "prod": completed, completed from the cache, failed after a change."""
    with Workspace.in_memory(actor="ada@example.com") as workspace:
        workspace.components.register("artifact_store", "lake", "local")
        workspace.stacks.register(
            "prod", orchestrator="default", artifact_store="lake", activate=True
        )
        workspace.runs.start(credit, why=HOSTILE)
        workspace.runs.start(credit)
        workspace.components.update("artifact_store", "lake", {"path": "b"}, why="it is full")
        with pytest.raises(RunFailed):
            workspace.runs.start(credit, {"trees": 800})
        yield workspace


@pytest.fixture(scope="module")
def app(ws):
    return app_of(ws)


def test_the_tags_of_a_step_are_shown_with_it(ws, app):
    run = ws.runs.get("good")
    ws.runs.tag(run.id, ["reviewed:ada"], step="train")
    html = get(app, f"/runs/{run.name}?step=train").text
    assert '<span class="chip">reviewed:ada</span>' in html
    assert "reviewed:ada" not in get(app, f"/runs/{run.name}?step=load").text


def names_of(ws):
    return [run.name for run in reversed(ws.runs.list())]


def test_a_run_is_shown_with_its_stack_as_it_was_its_author_and_its_reason(ws, app):
    first = names_of(ws)[0]
    html = shown(app, f"/runs/{first}")
    position = ws.runs.describe(first).position
    assert f'href="/stacks/prod?as_of={position}"' in html
    text = text_of(html)
    assert f"{first} ✓ completed on prod revision 1, as it was at #{position}" in text
    assert "ada" in text
    assert "<q>&lt;script&gt;" in html
    assert f"stackfold run describe {first}" in text


def test_the_graph_has_state_duration_and_first_metric_and_links_to_steps(ws, app):
    first = names_of(ws)[0]
    html = shown(app, f"/runs/{first}")
    assert f'href="/runs/{first}?step=train" class="node state-completed"' in html
    assert re.search(r">\d+\.\d\d s · auc 0\.9844</text>", html)


def test_steps_have_bars_over_the_time_of_the_run(ws, app):
    html = shown(app, f"/runs/{names_of(ws)[0]}")
    found = re.findall(r'<rect x="([\d.]+)" y="2" width="([\d.]+)"', html)
    bars = [tuple(map(float, each)) for each in found]
    assert len(bars) == 2
    assert all(0 <= left < left + width <= 100 for left, width in bars)


def test_a_failed_run_says_what_changed_since_the_last_completed_one(ws, app):
    _, good, bad = names_of(ws)
    html = shown(app, f"/runs/{bad}")
    text = text_of(html)
    assert "MemoryError: cannot grow 800 trees" in text
    assert f"The last completed run of credit on this stack was {good}" in text
    assert "Changed in between: A ada updated artifact store lake" in text
    assert "it is full" in text
    assert "parameters trees 10 800" in text
    assert "configuration artifact_store.path" not in text, "the change says it"
    assert f'href="/compare?runs={good}%2C{bad}"' in html


def test_the_failed_step_is_chosen_at_first(ws, app):
    bad = names_of(ws)[2]
    html = shown(app, f"/runs/{bad}")
    assert '<h2 id="panel"><bdi>train</bdi>' in html
    assert "Traceback (most recent call last)" in section(html, 'id="panel"')
    assert '<h2 id="panel"><bdi>load</bdi>' in shown(app, f"/runs/{bad}?step=load")


def test_a_step_is_shown_with_what_went_in_and_what_came_of_it(ws, app):
    first = names_of(ws)[0]
    html = shown(app, f"/runs/{first}?step=train")
    panel = section(html, 'id="panel"')
    assert "auc 0.9844" in panel
    assert "Parameters trees 10" in panel
    assert 'href="/artifacts/credit/load/table?version=1"' in html
    assert 'href="/artifacts/credit/train/model?version=1"' in html
    assert "Executed, not taken from the cache: it was executed for the first time." in panel
    assert "Printed 100% grown" in panel, "a carriage return overwrites the line"
    assert f"stackfold run logs {first} train" in panel


def test_a_cached_step_names_the_run_that_produced_its_outputs(ws, app):
    first, second, _ = names_of(ws)
    html = shown(app, f"/runs/{second}?step=train")
    assert f"From the cache: run {first} produced its outputs." in section(html, 'id="panel"')


def test_a_step_from_the_cache_of_a_deleted_run_is_shown():
    @step
    def load() -> int:
        return 1

    @pipeline
    def loading():
        load()

    with Workspace.in_memory() as ws:
        first, second = ws.runs.start(loading), ws.runs.start(loading)
        ws.runs.delete(first.name)
        html = shown(app_of(ws), f"/runs/{second.name}?step=load")
        assert f"From the cache: run {first.id[:8]} produced" in text_of(html)


@pytest.mark.parametrize("step", ["", "?step=load", "?step=train"])
def test_recorded_texts_are_never_markup(ws, app, step):
    for name in names_of(ws):
        html = shown(app, f"/runs/{name}{step}")
        assert "<script>alert" not in html
        assert "<img" not in html
        assert "style=" not in html
        assert ">49" not in html
        assert not re.search(r"(src|href|action)=\"(?!/|#)", html)


def test_a_reference_leads_to_the_address_of_the_run(ws, app):
    first, second, third = names_of(ws)
    for reference, name in {
        "latest": third, "good": second, "failed": third, "credit~2": first,
        ws.runs.get(first).id: first, first[:-1]: first,
    }.items():  # fmt: skip
        answer = get(app, f"/ops/runs/{reference}?step=load", root_path="/ops")
        assert answer.status_code == 302
        assert answer.headers["location"] == f"/ops/runs/{name}?step=load"


def test_a_run_that_ended_later_is_shown_as_it_was(ws, app):
    first = names_of(ws)[0]
    position = ws.runs.describe(first).position
    html = shown(app, f"/runs/{first}?as_of={position}")
    assert "running" in text_of(html)
    assert "0.9844" not in html
    assert "data-live" not in html
    earlier = shown(app, f"/runs/{first}?as_of={position - 1}", status=404)
    assert f"it started at #{position}" in earlier


@pytest.mark.parametrize("url", ["/runs/nothing", "/runs/latest~99", "/runs/latest?step=nothing"])
def test_what_does_not_exist_is_an_error_of_one_sentence(app, url):
    assert '<p class="sentence">there is no' in shown(app, url, status=404)


def test_runs_link_to_their_pages():
    with history() as ws:
        app = app_of(ws)
        name = ws.runs.get("latest").name
        for page in ("/", "/runs"):
            assert f'href="/runs/{name}"' in shown(app, page)


def test_the_end_of_a_long_text_is_shown():
    text = "".join(f"line {number}\n" for number in range(100_000))
    found = end_of(text[at : at + 5000] for at in range(0, len(text), 5000))
    lines = found.text.splitlines()
    assert len(lines) == MOST_LINES
    assert lines[-1] == "line 99999"
    assert found.earlier + MOST_LINES == 100_000


def test_a_long_line_is_cut_and_a_progress_bar_is_its_last_state():
    assert end_of(["".join(f"\r{number} of 100000" for number in range(100_001))]).text == (
        "100000 of 100000"
    )
    assert len(end_of(["x" * 1_000_000]).text) < 40_000
    assert end_of(["one\r\ntwo\r\n"]).text == "one\ntwo"
    assert end_of(["\x1b[31mred\x1b[0m\x07"]).text == "red\\u0007"
    assert end_of([]).text == ""
