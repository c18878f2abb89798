"""The page of runs with many, retried, parallel or running steps, and with long or lost texts."""

import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from browsing import HOSTILE, app_of, get

from stackfold import Workspace, pipeline, step
from stackfold.errors import RunFailed
from stackfold.web.pages.printed import MOST_LINES
from stackfold.web.pages.run import MOST_STEPS


@pytest.fixture
def ws():
    with Workspace.in_memory(actor="ada@example.com") as workspace:
        yield workspace


def shown(ws, url):
    answer = get(app_of(ws), url)
    if answer.status_code == 302:
        answer = get(app_of(ws), answer.headers["location"])
    assert answer.status_code == 200, answer.text
    return answer.text


def text_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


@step
def add(number: int = 0) -> int:
    return number + 1


def wide(count):
    @pipeline
    def many():
        first = add()
        for _ in range(count - 1):
            add(first)

    return many


def test_a_graph_of_200_steps_is_drawn(ws):
    ws.runs.start(wide(200))
    html = shown(ws, "/runs/latest?step=add_200")
    assert len(re.findall(r'class="node ', html)) == 200
    assert html.count("<tr") == 201
    assert '<h2 id="panel"><bdi>add_200</bdi>' in html


def test_of_more_steps_the_first_are_drawn_and_any_can_be_chosen(ws):
    ws.runs.start(wide(MOST_STEPS + 3))
    html = shown(ws, f"/runs/latest?step=add_{MOST_STEPS + 3}")
    assert len(re.findall(r'class="node ', html)) == MOST_STEPS
    assert "3 more steps" in text_of(html)
    assert f'<h2 id="panel"><bdi>add_{MOST_STEPS + 3}</bdi>' in html


attempts = []


@step(retries=2)
def flaky() -> int:
    attempts.append(1)
    if len(attempts) < 3:
        raise ConnectionError(f"attempt {len(attempts)} {HOSTILE}")
    return 1


def test_the_errors_of_earlier_attempts_are_shown(ws):
    @pipeline
    def unsteady():
        flaky()

    attempts.clear()
    ws.runs.start(unsteady)
    html = shown(ws, "/runs/latest?step=flaky")
    text = text_of(html)
    assert "attempt 1: ConnectionError: attempt 1" in text
    assert "attempt 2: ConnectionError: attempt 2" in text
    assert "<script>alert" not in html


begun, go_on = threading.Barrier(3), threading.Event()


@step
def wait(name: str) -> int:
    print(f"{name} has begun")
    begun.wait()
    go_on.wait()
    return 1


@pipeline
def together():
    wait("one")
    wait("two")


def test_a_page_follows_steps_that_run_side_by_side(ws):
    ws.components.register(
        "orchestrator", "parallel", "local", {"isolation": "thread", "max_parallel": 2}
    )
    ws.stacks.register("prod", orchestrator="parallel", artifact_store="default")
    go_on.clear()
    running = threading.Thread(target=ws.runs.start, args=[together], kwargs={"stack": "prod"})
    running.start()
    try:
        begun.wait()
        pause = threading.Event()
        for _ in range(600):
            if len(ws.runs.live("latest")) == 2:
                break
            pause.wait(0.1)
        html = shown(ws, "/runs/latest")
        assert f'data-live="/events?run={ws.runs.get("latest").id}"' in html
        assert html.count('class="node state-running') == 2
        assert "one has begun</pre>" in html, "the first running step is chosen"
        assert "two has begun</pre>" in shown(ws, "/runs/latest?step=wait_2")
        assert "stackfold run logs " in html
        assert "wait --follow" in html
    finally:
        go_on.set()
        running.join()
    html = shown(ws, "/runs/latest?step=wait")
    assert "data-live" not in html
    assert "one has begun</pre>" in html
    lefts = re.findall(r'<rect x="([\d.]+)" y="2"', html)
    assert abs(float(lefts[0]) - float(lefts[1])) < 50, "the bars begin side by side"


@step
def talk(lines: int) -> None:
    for number in range(lines):
        print(f"line {number} {HOSTILE}")


@pipeline
def talkative(lines: int):
    talk(lines)


def test_of_a_megabyte_of_text_the_end_is_shown(ws):
    run = ws.runs.start(talkative, {"lines": 13_000})
    assert ws.runs.steps(run.id)[0].log["size"] > 1_000_000
    html = shown(ws, "/runs/latest?step=talk")
    assert "line 12999 &lt;script&gt;" in html
    assert f"line {13_000 - MOST_LINES} " in html
    assert f"line {13_000 - MOST_LINES - 1} " not in html
    assert f"{13_000 - MOST_LINES:,} earlier lines" in text_of(html)
    assert "\u202e" not in html.partition("<pre")[2]
    assert len(html) < 200_000


def test_a_text_that_was_lost_is_an_error_on_the_page(ws):
    ws.runs.start(talkative, {"lines": 3})
    stored = Path(ws.runs.steps("latest")[0].log["uri"].removeprefix("file://"))
    shutil.move(stored, stored.with_name("moved"))
    text = text_of(shown(ws, "/runs/latest?step=talk"))
    assert "Printed The text cannot be read:" in text
    assert "line 2" not in text


def test_a_store_that_does_not_answer_does_not_hold_the_page(ws, monkeypatch):
    answer = threading.Event()

    def logs(self, run, step):
        answer.wait()
        yield "late"

    ws.runs.start(talkative, {"lines": 3})
    monkeypatch.setattr("stackfold.web.pages.printed.SECONDS", 0.01)
    monkeypatch.setattr(type(ws.runs), "logs", logs)
    try:
        assert "did not answer within" in text_of(shown(ws, "/runs/latest?step=talk"))
    finally:
        answer.set()


def test_a_store_that_raises_anything_does_not_break_the_page(ws, monkeypatch):
    def logs(self, run, step):
        raise ConnectionResetError(HOSTILE)

    ws.runs.start(talkative, {"lines": 3})
    monkeypatch.setattr(type(ws.runs), "logs", logs)
    text = text_of(shown(ws, "/runs/latest?step=talk"))
    assert "The text cannot be read: unexpected ConnectionResetError" in text


def test_the_process_does_not_wait_for_a_store_that_does_not_answer():
    program = """
import time
from stackfold.web.pages import printed
from types import SimpleNamespace
printed.SECONDS = 0.01
hanging = SimpleNamespace(runs=SimpleNamespace(logs=lambda *_: time.sleep(600)))
step = SimpleNamespace(name="talk", status="completed", log={"size": 1})
print(printed.printed(hanging, "run", step).problem)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout == "The artifact store did not answer within 0.01 s.\n"


def test_large_parameters_and_metadata_are_cut(ws):
    @pipeline
    def heavy(numbers: list[int], texts: dict[str, str]):
        add()

    ws.runs.start(
        heavy,
        {"numbers": [*range(100_000)], "texts": {f"name {at}": "x" * 1000 for at in range(200)}},
    )
    html = shown(ws, "/runs/latest")
    assert len(html) < 60_000
    assert "(100,000 elements)" in html
    assert "(200 elements)" in html


def test_a_run_without_an_earlier_good_one_says_so(ws):
    @step
    def fail():
        raise ValueError(HOSTILE * 1000)

    @pipeline
    def hopeless():
        fail()

    with pytest.raises(RunFailed):
        ws.runs.start(hopeless)
    html = shown(ws, "/runs/failed")
    assert "No earlier run of hopeless on this stack completed." in text_of(html)
    assert "<script>alert" not in html
    assert len(html) < 100_000
