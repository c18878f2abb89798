"""Workers of reactions that are killed: no event is lost, and others take over."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from webhook_server import webhook_receiver
from workspaces import opened, stack, store

pytestmark = pytest.mark.slow

PROGRAM = Path(__file__).with_name("killed_reactions.py")
KEY = "a key of more than sixteen bytes"


def test_a_worker_that_is_killed_at_random_loses_no_event(place, tmp_path):
    file = tmp_path / "notes"
    with opened(place) as ws:
        for number in range(100):
            store(ws, f"s{number}")
    done = subprocess.run(
        [sys.executable, PROGRAM, str(place), file], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 3, "the kills came too late to show anything"
    notes = [line.split() for line in file.read_text().splitlines()]
    ids = dict(notes)
    with opened(place) as ws:
        positions = [str(event.position) for event in ws.log.events()]
        assert [*ids] == positions, "each event, for the first time in the order of the log"
        assert len({*ids.values()}) == len(positions)
        assert {*map(tuple, notes)} == {*ids.items()}, "the id is the same each time"
        assert len(notes) <= len(positions) + int(done.stdout), "one event per kill is repeated"
        (view,) = ws.reactions.list()
        assert (view.lag, view.parked, view.retrying) == (0, 0, 0)
        assert ws.log.verify().intact


@pytest.fixture
def worker(place, monkeypatch):
    """Starts `stackfold reactions run` for a webhook, in a new process."""
    monkeypatch.setenv("STACKFOLD_SECRET_HOOK_KEY", KEY)
    if str(place).startswith("postgresql:"):
        monkeypatch.setenv("STACKFOLD_STORE", str(place))
    else:
        monkeypatch.setenv("STACKFOLD_HOME", str(place))
    started = []

    def worker(url):
        options = ["--webhook", url, "--secret", "{{hook.key}}", "--topic", "stack.registered"]
        command = [sys.executable, "-m", "stackfold", "reactions", "run", *options]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        started.append(process)
        return process

    yield worker
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def until(condition):
    while not condition():
        time.sleep(0.02)


def sent(receiver):
    return [json.loads(each.body)["data"]["name"] for each in receiver.received]


def test_another_worker_takes_over_from_one_that_was_killed_while_it_sent(place, worker):
    with opened(place) as ws, webhook_receiver() as receiver:
        first = worker(receiver.url)
        until(lambda: [view for view in ws.reactions.list() if view.running])
        second = worker(receiver.url)
        receiver.answers = ["hangs"]
        stack(ws, "one")
        until(lambda: receiver.received)
        first.kill()  # after the request was received, before the checkpoint was saved
        until(lambda: len(receiver.received) == 2)
        stack(ws, "two")
        until(lambda: len(receiver.received) == 3)
        assert sent(receiver) == ["one", "one", "two"]
        assert len({each.headers["webhook-id"] for each in receiver.received}) == 2
        second.send_signal(signal.SIGTERM)
        output, _ = second.communicate()
        assert second.returncode == 0
        assert "note: stopping after the current events" in output
        assert "stack.registered handled" in output
        assert KEY not in output
        (view,) = ws.reactions.list()
        assert (view.lag, view.parked, view.running) == (0, 0, False)


def test_a_worker_that_is_interrupted_ends_the_event_that_it_handles(place, worker):
    with opened(place) as ws, webhook_receiver() as receiver:
        process = worker(receiver.url)
        until(lambda: [view for view in ws.reactions.list() if view.running])
        stack(ws, "one")
        until(lambda: receiver.received)
        process.send_signal(signal.SIGINT)
        process.communicate()
        assert process.returncode == 0
        assert ws.reactions.list()[0].lag == 0
        assert sent(receiver) == ["one"]
