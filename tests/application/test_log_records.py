"""What Stackfold logs, for programs that configure `logging`, and what it costs the others."""

import io
import logging
import subprocess
import sys
from contextlib import suppress
from threading import Event, Thread
from time import sleep

import pytest
from runnable import single, training

from stackfold.application.runs.progress import ProgressListener
from stackfold.application.secrets import redaction
from stackfold.domain.errors import RunFailed, StackfoldError
from stackfold.infrastructure.eventstore import commit_reports
from stackfold.infrastructure.workspace import Workspace


@pytest.fixture
def events(caplog):
    """Call it for the records of committed events."""
    caplog.set_level(logging.DEBUG, "stackfold.events")
    return lambda: [each for each in caplog.records if each.name == "stackfold.events"]


def test_a_command_is_logged_with_its_fields(workspace, events):
    with workspace.acting_as("alice@example.org", correlation_id="request-1"):
        view = workspace.stacks.copy("default", "prod", why="a reason")
    (record,) = events()
    assert (record.levelname, record.getMessage()) == ("DEBUG", "#5 stack.registered 'prod'")
    assert (record.topic, record.aggregate_name) == ("stack.registered", "prod")
    assert (record.aggregate_id, record.revision) == (view.id, 1)
    assert (record.position, record.change) == (5, 5)
    assert (record.actor, record.correlation_id) == ("alice@example.org", "request-1")
    assert "a reason" not in str(vars(record))


def roll_back(workspace):
    """Copy a stack, and roll that back."""
    with suppress(KeyError), workspace.change():
        workspace.stacks.copy("default", "third")
        raise KeyError


def test_events_are_logged_once_they_are_committed(workspace, events):
    with workspace.change():
        workspace.stacks.copy("default", "first")
        roll_back(workspace)
        workspace.stacks.copy("default", "second")
        roll_back(workspace)
        assert not events()
    assert [each.aggregate_name for each in events()] == ["first", "second"]
    assert [each.position for each in events()] == [5, 6]
    assert {each.change for each in events()} == {5}


def test_what_was_not_committed_is_not_logged(workspace, events):
    roll_back(workspace)
    with pytest.raises(StackfoldError):
        workspace.stacks.rename("default", "other")
    workspace.stacks.copy("default", "prod")
    workspace.stacks.update("prod", description="1")
    workspace.stacks.revert("prod", dry_run=True)
    assert [each.topic for each in events()] == ["stack.registered", "stack.updated"]


def test_a_slow_wait_for_the_write_lock_is_logged(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(commit_reports, "SLOW_WAIT", 0.2)
    inside = Event()

    def hold() -> None:
        with Workspace.open(tmp_path) as other, other.change():
            inside.set()
            sleep(0.5)

    with Workspace.open(tmp_path) as workspace:
        holder = Thread(target=hold)
        holder.start()
        inside.wait()
        workspace.stacks.copy("default", "prod")
        holder.join()
    (record,) = [each for each in caplog.records if each.name == "stackfold.locks"]
    assert record.levelname == "WARNING"
    assert record.seconds >= 0.2
    assert record.getMessage() == f"waited {record.seconds:.1f} s for the write lock"


def test_runs_and_steps_are_logged(runs, caplog):
    caplog.set_level(logging.INFO, "stackfold.runs")
    run = runs.start(training)
    records = [each for each in caplog.records if each.name == "stackfold.runs"]
    assert {(each.run, each.pipeline) for each in records} == {(run.name, "training")}
    first, *_, last = records
    assert (first.status, first.steps, first.completed) == ("running", 5, 0)
    assert (last.status, last.getMessage()) == ("completed", f"run {run.name} completed")
    assert last.seconds >= 0
    ended = [each for each in records if hasattr(each, "step") and each.status == "completed"]
    assert [each.step for each in ended] == ["load", "split", "total", "forget", "total_2"]


def test_the_error_of_a_step_is_logged_without_secrets(runs, caplog, monkeypatch):
    monkeypatch.setattr(redaction, "_shown", {})
    monkeypatch.setattr(redaction, "_pattern", None)
    redaction.remember("hunter2-hunter2", "{{site.password}}")
    caplog.set_level(logging.INFO, "stackfold.runs")

    def fail() -> None:
        raise ValueError("cannot log in with hunter2-hunter2")

    with pytest.raises(RunFailed):
        runs.start(single(fail))
    (reason,) = [each.reason for each in caplog.records if hasattr(each, "reason")]
    assert reason == "ValueError: cannot log in with {{site.password}}"
    assert "step only failed: ValueError" in caplog.text
    assert "hunter2" not in caplog.text + str([vars(each) for each in caplog.records])


def test_a_level_chosen_for_stackfold_counts_during_a_run(runs, monkeypatch):
    shown = io.StringIO()
    monkeypatch.setattr(logging.root, "handlers", [logging.StreamHandler(shown)])
    monkeypatch.setattr(logging.getLogger("stackfold"), "level", logging.INFO)
    logging.root.manager._clear_cache()  # as by setLevel, which pytest does not undo
    runs.start(single(lambda: None))
    logging.root.manager._clear_cache()
    assert "step only completed" in shown.getvalue()


def test_what_stackfold_logs_is_no_output_of_a_step(workspace, runs, caplog):
    caplog.set_level(logging.DEBUG, "stackfold")

    def change() -> None:
        workspace.stacks.copy("default", "prod")
        logging.getLogger("mine").warning("my own")

    run = runs.start(single(change))
    assert "".join(runs.logs(run.id, "only")) == "WARNING:mine:my own\n"
    assert "#" in caplog.text


class Failing(ProgressListener):
    def step_started(self, step):
        raise LookupError("no such span")

    def run_ended(self, status):
        raise LookupError("no such run")


def test_a_listener_that_raises_does_not_break_the_run(runs, caplog):
    run = runs.start(training, listener=Failing())
    assert run.status == "completed"
    logged = [each for each in caplog.records if each.name == "stackfold.listeners"]
    assert len(logged) == 6
    assert "the progress listener failed in Failing.step_started" in logged[0].getMessage()
    assert logged[0].exc_info


def test_rebuilds_are_logged(workspace, caplog):
    caplog.set_level(logging.INFO, "stackfold.projections")
    workspace.log.rebuild()
    (record,) = [each for each in caplog.records if each.name == "stackfold.projections"]
    assert (record.projection, record.events) == ("read models", 4)


PROGRAM = """
import sys
from stackfold import Workspace
with Workspace.in_memory() as ws:
    ws.stacks.copy("default", "prod")
    ws.log.rebuild()
    print("logging" in sys.modules)
"""


def test_a_program_that_configures_nothing_prints_nothing():
    printed = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=True)
    assert (printed.stdout.split(), printed.stderr) == ([b"False"], b"")
