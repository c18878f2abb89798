"""What steps print and log is kept for each, and visible all the same."""

import io
import logging
import os
import sys
import threading
import time
import tracemalloc
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from runnable import single

from stackfold.domain.errors import ArtifactDamaged, NotFound, RunFailed
from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.domain.stacks.component_type import ComponentType

ORCHESTRATOR = ComponentType.ORCHESTRATOR
EVERYWHERE = ("inline", "thread", "process")


@pytest.fixture
def stacks(workspace):
    """A stack for each isolation, called so."""
    for isolation in EVERYWHERE:
        configuration = {"isolation": isolation, "max_parallel": 2}
        workspace.components.register(ORCHESTRATOR, isolation, "local", configuration)
        workspace.stacks.register(isolation, orchestrator=isolation, artifact_store="default")


def text(runs, run, step="only"):
    return "".join(runs.logs(run, step))


def speak():
    print("to stdout: größe")
    print("to stderr", file=sys.stderr)
    logging.getLogger("mine").warning("to the %s", "log")


@pytest.mark.parametrize("isolation", EVERYWHERE)
def test_what_a_step_prints_and_logs_is_kept_and_visible(runs, stacks, capsys, isolation):
    run = runs.start(single(speak), stack=isolation)
    kept = text(runs, run.id)
    out, err = capsys.readouterr()
    assert out == "to stdout: größe\n"
    assert "to stderr\n" in err
    lines = kept.splitlines()
    assert "to stdout: größe" in lines
    assert "to stderr" in lines
    assert any("to the log" in line for line in lines)


def test_a_silent_step_has_no_log(runs, workspace):
    def be_silent() -> None:
        sys.stdout.write("")

    run = runs.start(single(be_silent))
    (only,) = runs.steps(run.id)
    assert only.log is None
    assert text(runs, run.id) == ""
    assert list((workspace.home / "artifacts").glob("??/*")) == []


def test_a_step_that_fails_leaves_what_it_had_printed(runs):
    def fail():
        print("before")
        raise ValueError

    with pytest.raises(RunFailed) as caught:
        runs.start(single(fail))
    assert text(runs, caught.value.run) == "before\n"


def test_all_attempts_of_a_step_are_in_its_log(runs):
    tries = []

    def flaky():
        tries.append(1)
        print(f"try {len(tries)}")
        if len(tries) < 2:
            raise ValueError("no")

    run = runs.start(single(flaky, retries=1))
    assert text(runs, run.id) == "try 1\n-- attempt 1 failed: ValueError: no\ntry 2\n"


@pytest.mark.slow
@pytest.mark.parametrize("isolation", ["thread", "process"])
def test_steps_that_are_executed_at_once_do_not_mix(runs, stacks, isolation):
    def speak_much(word: str):
        for _ in range(200):
            print(word)

    def both():
        step(name="first")(speak_much)("one")
        step(name="second")(speak_much)("two")

    run = runs.start(Pipeline(both), stack=isolation)
    assert text(runs, run.id, "first") == "one\n" * 200
    assert text(runs, run.id, "second") == "two\n" * 200
    assert "".join(runs.logs(run.id)) == "first  | one\n" * 200 + "second | two\n" * 200


def test_a_thread_of_a_step_is_heard_while_no_other_step_is_executed(runs):
    def start_a_thread():
        thread = threading.Thread(target=print, args=("from a thread",))
        thread.start()
        thread.join()

    assert text(runs, runs.start(single(start_a_thread)).id) == "from a thread\n"


def test_bytes_and_lines_are_kept_too(runs, capsysbinary):
    def write():
        sys.stdout.writelines(["one\n", "two\n"])
        sys.stdout.flush()
        sys.stdout.buffer.write(b"three \xff\n")

    run = runs.start(single(write))
    assert text(runs, run.id) == "one\ntwo\nthree \ufffd\n"
    assert capsysbinary.readouterr().out == b"one\ntwo\nthree \xff\n"


def test_a_step_may_redirect_and_set_up_logging_as_anywhere(runs):
    def work():
        with redirect_stdout(io.StringIO()) as caught:
            print("elsewhere")
        assert caught.getvalue() == "elsewhere\n"
        logger = logging.getLogger("own")
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(logging.Formatter("%(message)s!"))
        logger.addHandler(handler)
        logger.warning("once")
        logger.removeHandler(handler)

    assert text(runs, runs.start(single(work)).id) == "once!\n"


def inform():
    logging.getLogger("mine").info("loading")
    logging.getLogger("mine").debug("in detail")
    logging.getLogger("mine").warning("slow")


@pytest.mark.parametrize("isolation", ["inline", "process"])
def test_logging_is_kept_from_info_on_where_no_level_is_chosen(
    runs, stacks, monkeypatch, isolation
):
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    run = runs.start(single(inform), stack=isolation)
    assert text(runs, run.id) == "INFO:mine:loading\nslow\n"
    assert root.level == logging.WARNING


def test_what_the_handlers_of_the_program_show_stays_as_it_is(runs, monkeypatch):
    root, shown = logging.getLogger(), io.StringIO()
    handler = logging.StreamHandler(shown)
    monkeypatch.setattr(root, "handlers", [handler])
    for _ in range(2):
        run = runs.start(single(inform, enable_cache=False))
        assert text(runs, run.id) == "INFO:mine:loading\nWARNING:mine:slow\n"
    assert shown.getvalue() == "slow\nslow\n"
    assert (root.level, handler.level) == (logging.WARNING, logging.NOTSET)


@pytest.mark.parametrize(
    ("level", "kept"),
    [(logging.ERROR, ""), (logging.DEBUG, "INFO:mine:loading\nDEBUG:mine:in detail\nslow\n")],
)
def test_a_level_that_the_program_has_chosen_counts(runs, monkeypatch, level, kept):
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", level)
    root.manager._clear_cache()  # as by setLevel, which pytest does not undo
    run = runs.start(single(inform))
    assert (text(runs, run.id), root.level) == (kept, level)
    root.manager._clear_cache()


def test_what_a_step_sets_up_for_logging_stays(runs, monkeypatch):
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])

    def work():
        logging.basicConfig(level=logging.INFO, format="%(message)s")
        logging.getLogger("mine").info("loading")

    try:
        assert text(runs, runs.start(single(work)).id) == "loading\n"
        assert root.level == logging.INFO
    finally:
        root.setLevel(logging.WARNING)


def test_what_a_handler_of_the_user_takes_is_kept(runs):
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    logger = logging.getLogger("to a file")
    logger.addHandler(handler)
    try:
        run = runs.start(single(lambda: logger.warning("seen %d", 1)))
    finally:
        logger.removeHandler(handler)
    assert lines.getvalue() == "seen 1\n"
    assert text(runs, run.id) == "WARNING:to a file:seen 1\n"


def test_the_streams_are_as_before_when_the_run_has_ended(runs):
    before = sys.stdout, sys.stderr, logging.getLogRecordFactory()
    runs.start(single(speak))
    with pytest.raises(RunFailed):
        runs.start(single(lambda: 1 / 0))
    assert (sys.stdout, sys.stderr, logging.getLogRecordFactory()) == before


def test_nothing_is_kept_of_what_is_printed_beside_the_steps(runs):
    run = runs.start(single(lambda: print("in"), on_success=lambda: print("beside")))
    assert text(runs, run.id) == "in\n"


@pytest.mark.slow
@pytest.mark.parametrize("isolation", ["thread", "process"])
def test_what_is_printed_beside_a_step_is_not_taken_for_that_of_another(
    runs, stacks, tmp_path, isolation
):
    def wait_for(path: str):
        for _ in range(1000):
            if Path(path).exists():
                return
            time.sleep(0.01)
        raise TimeoutError

    def both(path: str):
        step(name="slow")(wait_for)(path)
        step(name="fast", on_success=speak_and_touch)(lambda: print("in"))()

    def speak_and_touch():
        print("beside")
        path.touch()

    path = tmp_path / "done"
    run = runs.start(Pipeline(both), {"path": str(path)}, stack=isolation)
    assert text(runs, run.id, "slow") == ""
    assert text(runs, run.id, "fast") == "in\n"


@pytest.mark.slow
def test_much_output_streams(runs, capsys):
    line = "x" * 99 + "\n"

    def speak_much():
        for _ in range(100_000):  # 10 MB
            sys.stdout.write(line)

    with capsys.disabled(), open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
        tracemalloc.start()
        run = runs.start(single(speak_much))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert most < 3_000_000
    (only,) = runs.steps(run.id)
    assert only.log["size"] == 10_000_000


def test_a_store_that_does_not_take_the_text_fails_no_step(runs, workspace, capsys, monkeypatch):
    from stackfold.infrastructure.flavors.local.artifact_store import LocalArtifactStore

    def full(self):
        raise OSError("the disk is full")

    def greet() -> None:
        print("hello")

    monkeypatch.setattr(LocalArtifactStore, "create", full)
    run = runs.start(single(greet))
    (only,) = runs.steps(run.id)
    assert (only.status, only.log) == ("completed", None)
    out, err = capsys.readouterr()
    assert out == "hello\n"
    assert err == "the output of the step cannot be stored: the disk is full\n"


def test_a_log_that_is_gone_or_was_never_there_is_told(runs, workspace):
    run = runs.start(single(lambda: print("hello")))
    with pytest.raises(NotFound, match=rf"there is no step 'other': run '{run.name}' has only"):
        runs.logs(run.id, "other")
    for path in (workspace.home / "artifacts").glob("??/*"):
        path.unlink()
    with pytest.raises(ArtifactDamaged):
        text(runs, run.id)


def test_lines_of_steps_that_run_at_once_begin_with_their_step(runs, workspace, capsys):
    @step
    def talk(number: int) -> int:
        meet.wait()
        sys.stdout.write("10 %\r")
        meet.wait()
        print("done\nlast ", end="")
        meet.wait()
        return number

    def both():
        talk(1)
        talk(2)

    meet = threading.Barrier(2)
    configuration = {"isolation": "thread", "max_parallel": 2}
    workspace.components.register(ORCHESTRATOR, "two", "local", configuration)
    workspace.stacks.register("two", orchestrator="two", artifact_store="default")
    run = runs.start(Pipeline(both), stack="two")
    lines = capsys.readouterr().out.splitlines()
    assert sorted(lines) == ["talk | done", "talk | last ", "talk_2 | done", "talk_2 | last "]
    assert text(runs, run.id, "talk") == "10 %\rdone\nlast "
