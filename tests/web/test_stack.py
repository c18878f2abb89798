"""The page of a stack: as it is, and as it was at each position."""

import re

import pytest
from browsing import HOSTILE, app_of, get, history

from stackfold import Workspace, get_context, pipeline, step
from stackfold.views import Listing


@step(enable_cache=False)
def evaluate(auc: float) -> float:
    get_context().log_metadata({"auc": auc})
    return auc


@pipeline
def scoring(auc: float = 0.5):
    evaluate(auc)


@pytest.fixture(scope="module")
def ws():
    with history() as workspace:
        yield workspace


@pytest.fixture(scope="module")
def app(ws):
    return app_of(ws)


def shown(app, url):
    answer = get(app, url)
    assert answer.status_code == 200, answer.text
    return answer.text


def text_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


def position_of(ws, action, kind, newest_first=True):
    entries = ws.log.entries(kind=kind, newest_first=newest_first)
    return next(each.position for each in entries if each.action == action)


def test_the_composition_has_flavor_configuration_and_who_changed_it_last(app):
    text = text_of(shown(app, "/stacks/prod"))
    assert "artifact store lake local 2 path=" in text
    assert "orchestrator default local" in text
    assert re.search(r"path=\S.* E eve just now", text)


def test_each_component_and_flavor_is_linked(app):
    html = shown(app, "/stacks/prod")
    assert 'href="/components/artifact_store/lake"' in html
    assert 'href="/flavors/artifact_store/local"' in html


def test_the_runs_on_each_state_are_between_its_change_and_the_next(app):
    text = text_of(shown(app, "/stacks/prod"))
    assert re.search(
        r"2 runs, 2 failed .* updated artifact store lake .* 1 run .* registered", text
    )


def test_recorded_texts_are_never_markup(app):
    for url in ("/stacks/prod", "/stacks/prod?as_of=6", "/stacks"):
        html = shown(app, url)
        assert "<script>alert" not in html
        assert "<img" not in html
        assert "style=" not in html
        assert "{{" not in html.replace("{{ 7*7 }}", "")
    assert "&lt;script&gt;alert(1)" in shown(app, "/stacks/prod")


def test_the_page_is_as_it_was_at_a_position(app, ws):
    changed = position_of(ws, "updated", "artifact_store")
    text = text_of(shown(app, f"/stacks/prod?as_of={changed - 1}"))
    assert f"The state at #{changed - 1}" in text
    assert "artifact store lake local 1 defaults" in text
    assert "2 failed" not in text
    assert "1 later change" in text


def test_the_past_says_what_has_changed_since_and_how_to_go_back(app, ws):
    changed = position_of(ws, "updated", "artifact_store")
    text = text_of(shown(app, f"/stacks/prod?as_of={changed - 1}"))
    assert "What has changed since then artifact_store.path" in text
    command = f"stackfold stack revert prod --as-of '#{changed - 1}' --with-components --dry-run"
    assert command.replace("'", "&#39;") in text
    assert "as it was then" in text_of(shown(app, f"/stacks/prod?as_of={changed}"))
    assert "What has changed since" not in text_of(shown(app, "/stacks/prod"))


def test_the_slider_has_a_tick_for_each_change(app, ws):
    html = shown(app, "/stacks/prod")
    assert html.count("<line x1=") == len(ws.stacks.history("prod"))
    registered, head = position_of(ws, "registered", "stack"), ws.log.head().position
    assert f'min="{registered}" max="{head}" value="{head}"' in html
    assert f'value="{registered}"' in shown(app, f"/stacks/prod?as_of={registered}")


def test_without_scripts_the_slider_is_a_form_and_changes_are_links(app, ws):
    changed = position_of(ws, "updated", "artifact_store")
    html = shown(app, "/stacks/prod")
    assert re.search(
        r'<form class="slider" method="get" action="/stacks/prod">.*<button>', html, re.S
    )
    assert f'rel="prev" href="/stacks/prod?as_of={changed}"' in html
    past = shown(app, f"/stacks/prod?as_of={changed - 1}")
    assert f'rel="next" href="/stacks/prod?as_of={changed}"' in past


def test_the_slider_is_outside_of_what_it_replaces(app):
    html = shown(app, "/stacks/prod")
    assert html.index('type="range"') < html.index('id="state"')
    assert 'hx-target="#state"' in html
    assert html.count('id="state"') == html.count('id="steps"') == html.count('id="foot"') == 1


def test_before_it_was_registered_a_stack_did_not_exist(app, ws):
    registered = position_of(ws, "registered", "stack")
    text = text_of(shown(app, f"/stacks/prod?as_of={registered - 1}"))
    assert f"There was no such stack at #{registered - 1}" in text


def test_an_unknown_stack_is_not_found(app):
    answer = get(app, "/stacks/nothing")
    assert answer.status_code == 404
    assert "nothing" in answer.text
    assert get(app, "/stacks/nothing?as_of=3").status_code == 404
    assert get(app, f"/stacks/{'x' * 300}").status_code in {400, 404}


def test_the_commands_print_the_same(app):
    text = text_of(shown(app, "/stacks/prod"))
    assert "stackfold stack describe prod" in text
    assert "stackfold stack history prod" in text


def test_the_list_links_each_stack(app):
    html = shown(app, "/stacks")
    assert 'href="/stacks/prod"' in html
    assert "active" in text_of(html)
    assert 'href="/stacks/prod"' in shown(app, "/")


def test_the_list_is_paged(app, monkeypatch):
    monkeypatch.setattr("stackfold.web.pages.stacks.SIZE", 1)
    assert 'rel="next" href="/stacks?page=2"' in shown(app, "/stacks")
    assert "Next page" not in shown(app, "/stacks?page=2")


def test_metrics_are_drawn_with_the_changes_as_lines():
    with Workspace.in_memory() as ws:
        ws.stacks.copy("default", "s")
        ws.runs.start(scoring, {"auc": 0.5}, stack="s")
        ws.stacks.update("s", description="more", why=HOSTILE)
        ws.runs.start(scoring, {"auc": 0.75}, stack="s")
        html = shown(app_of(ws), "/stacks/s")
        assert "evaluate.auc scoring 0.75 +0.25" in text_of(html)
        assert html.count('class="point ') == 2
        assert html.count('class="change"') == 1
        (run,) = ws.runs.list(Listing(sort_by="position", size=1))
        assert f'href="/runs/{run.name}"' in html
        assert "<script>alert" not in html


def test_a_renamed_stack_is_found_by_its_name_then_and_now():
    with Workspace.in_memory() as ws:
        id = ws.stacks.copy("default", "nightly").id
        before = ws.log.head().position
        ws.stacks.rename("nightly", "overnight")
        app = app_of(ws)
        assert "<bdi>nightly</bdi></h1>" in shown(app, f"/stacks/nightly?as_of={before}")
        assert "<bdi>nightly</bdi></h1>" in shown(app, f"/stacks/overnight?as_of={before}")
        assert f'name="id" value="{id}"' in shown(app, "/stacks/overnight")
        assert "<bdi>nightly</bdi></h1>" in shown(app, f"/stacks/x?id={id}&as_of={before}")
        assert get(app, "/stacks/overnight?id=nothing").status_code == 404


def test_a_renamed_stack_is_found_after_a_change_of_its_components():
    with Workspace.in_memory() as ws:
        ws.components.register("artifact_store", "lake", "local")
        ws.stacks.register("nightly", orchestrator="default", artifact_store="lake")
        ws.stacks.rename("nightly", "overnight")
        ws.components.update("artifact_store", "lake", {"path": "/data/lake"})
        app = app_of(ws)
        id = ws.stacks.get("overnight").id
        for query in (f"id={id}", f"id={id}&as_of={ws.log.head().position - 1}"):
            assert "<bdi>overnight</bdi></h1>" in shown(app, f"/stacks/overnight?{query}")


def test_a_deleted_stack_has_its_history():
    with Workspace.in_memory() as ws:
        ws.stacks.copy("default", "old", why="a test")
        before = ws.log.head().position
        ws.stacks.delete("old")
        app = app_of(ws)
        text = text_of(shown(app, "/stacks/old"))
        assert "It was deleted" in text
        assert "deleted stack old" in text
        assert "It was deleted" in text_of(shown(app, f"/stacks/old?as_of={before}"))


def test_long_histories_are_cut(monkeypatch):
    monkeypatch.setattr("stackfold.web.pages.stack.MOST_ENTRIES", 3)
    monkeypatch.setattr("stackfold.web.pages.stack.MOST_LATER", 3)
    monkeypatch.setattr("stackfold.web.pages.stack.MOST_TICKS", 6)
    monkeypatch.setattr("stackfold.web.pages.stack.MOST_CELLS", 1)
    with Workspace.in_memory() as ws:
        ws.stacks.copy("default", "s")
        for number in range(9):
            ws.stacks.update("s", description=f"number {number}")
        for _ in range(2):
            ws.runs.start(scoring, stack="s")
        positions = [each.position for each in ws.stacks.history("s")]
        app = app_of(ws)
        html = shown(app, "/stacks/s")
        assert html.count("<line x1=") == 6
        assert html.count('class="entry') == 3
        assert html.count('class="box') == 1
        assert "2 runs" in text_of(html)
        assert f'href="/stacks/s?as_of={positions[3]}">Earlier changes' in html
        oldest = shown(app, f"/stacks/s?as_of={positions[-2]}")
        assert "registered stack s" in text_of(oldest)
        assert "and 3 more" in text_of(oldest)
        assert "Earlier changes" not in oldest
        monkeypatch.setattr("stackfold.web.pages.stack.MOST_RUNS", 1)
        assert "are not shown here" in text_of(shown(app, "/stacks/s"))
