"""What the overview shows, beyond what every page does."""

import re

import pytest
from browsing import app_of, get, history

from stackfold import Workspace, get_context, pipeline, step


@pytest.fixture(scope="module")
def ws():
    with history() as workspace:
        yield workspace


def shown(ws, url="/"):
    answer = get(app_of(ws), url)
    assert answer.status_code == 200, answer.text
    return answer.text


def text_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html)).replace(" :", ":").replace(" ,", ",")


def names_of(ws):
    return [run.name for run in reversed(ws.runs.list())]


@step
def fit(rate: float) -> float:
    get_context().log_metadata({"auc": 0.9 + rate, "loss": 0.2})
    return rate


@pipeline
def fitting(rate: float = 0.01):
    fit(rate)


def test_a_strip_has_a_cell_for_each_run_and_a_mark_for_each_change(ws):
    html = shown(ws)
    first, second, third = names_of(ws)
    strip = re.search(r"<svg[^>]*class=\"drawing strip\".*?</svg>", html, re.DOTALL)[0]
    assert [strip.count(f"run state-{each}") for each in ("completed", "failed")] == [1, 2]
    assert re.findall(r"href=\"/runs/([^\"]+)\"", strip) == [first, second, third]
    position = next(each.position for each in ws.log.entries() if each.action == "updated")
    assert f'href="/stacks/prod?as_of={position}"' in strip
    assert "the lake is full" in strip
    assert "3 runs, 2 failed" in text_of(html)


def test_it_says_since_when_a_stack_fails_and_what_changed(ws):
    first, second, _ = names_of(ws)
    html = shown(ws)
    text = text_of(html)
    assert f"Failing since {second}" in text
    assert f"Changed since the last completed run, {first}:" in text
    assert f"stackfold run diff {first} {second}" in text
    assert f'href="/compare?runs={first}%2C{second}"' in html


def test_the_metrics_of_the_active_stack_are_drawn_with_its_changes():
    with Workspace.in_memory() as ws:
        ws.stacks.copy("default", "prod")
        ws.stacks.activate("prod")
        ws.runs.start(fitting)
        ws.stacks.update("prod", description="changed", why="between the two")
        ws.runs.start(fitting, {"rate": 0.05})
        html = shown(ws)
        past = shown(ws, f"/?as_of=run:{names_of(ws)[0]}")
    assert "Metrics on prod" in text_of(html)
    assert re.findall(r"<b><bdi>(fit\.\w+)</bdi></b>", html) == ["fit.auc", "fit.loss"]
    assert "0.95" in html
    assert "+0.04" in html
    charts = re.findall(r"<svg[^>]*class=\"drawing chart\".*?</svg>", html, re.DOTALL)
    assert [chart.count("point state-completed") for chart in charts] == [2, 2]
    assert "between the two" in charts[0]
    assert "Metrics on prod" not in text_of(past), "a single value has no course"


def test_a_single_run_has_no_course(ws):
    assert "Metrics on" not in shown(ws)


def test_it_says_how_far_the_log_was_verified():
    with Workspace.in_memory() as ws:
        ws.stacks.copy("default", "prod")
        assert "The log has not been verified from this home" in text_of(shown(ws))
        position = ws.log.head().position
        ws.log.verify()
        text = text_of(shown(ws))
        assert f"Log verified up to #{position}, just now" in text
        assert "later event" not in text
        ws.stacks.activate("prod")
        assert "1 later event not verified yet" in text_of(shown(ws))
        assert "verified" not in text_of(shown(ws, f"/?as_of={position}"))


def test_it_says_that_the_verified_log_is_another_one():
    with Workspace.in_memory() as ws:
        ws.stacks.copy("default", "prod")
        position = ws.log.head().position
        (ws.home / "verified").write_text(f"{position}:{'0' * 64} 2026-01-01T00:00:00Z\n")
        assert f"verified up to #{position}" in text_of(shown(ws))
        assert "is not this one" in text_of(shown(ws))


def test_deployments_are_shown_with_their_recorded_state_without_asking_servers(ws, monkeypatch):
    seen = []
    monkeypatch.setattr(
        type(ws.deployments),
        "list",
        lambda self, listing, as_of, contact: seen.append(contact) or [],
    )
    assert "<h2>Deployments" not in shown(ws)
    assert seen == [False]
