"""Steps that fail in every way, and `kill -9` of the process that executes a run."""

import contextlib
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest
from replay import assert_consistent
from runnable import single
from workspaces import ORCHESTRATOR, STORE

from stackfold.domain.errors import InvalidOutput, RunFailed, StepProcessDied, StepTimedOut
from stackfold.infrastructure.workspace import Workspace

HERE = Path(__file__).parent
EVERYWHERE = ("inline", "thread", "process")


@pytest.fixture
def garden(tmp_path):
    """A home with a stack for each isolation."""
    folder = tmp_path / "home"
    with Workspace.open(folder) as ws:
        for isolation in EVERYWHERE:
            configuration = {"isolation": isolation, "max_parallel": 3}
            ws.components.register(ORCHESTRATOR, isolation, "local", configuration)
            ws.stacks.register(isolation, orchestrator=isolation, artifact_store="default")
    return folder


@pytest.fixture
def ws(garden):
    with Workspace.open(garden) as workspace:
        yield workspace


def file_of(uri):
    return Path(unquote(urlparse(uri).path))


def assert_true(ws):
    """Everything that a record names is there, whole; and the log holds. Returns the statuses."""
    assert_consistent(ws)
    statuses = Counter()
    for run in ws.runs.list():
        statuses[run.status] += 1
        for each in ws.runs.steps(run.id):
            named = [(a.uri, a.digest, a.size) for a in each.outputs]
            if each.log:
                named.append((each.log["uri"], each.log["digest"], each.log["size"]))
            for uri, digest, size in named:
                data = file_of(uri).read_bytes()
                assert (hashlib.sha256(data).hexdigest(), len(data)) == (digest, size)
            if each.status == "completed":
                assert each.outputs
    return statuses


# -- steps that fail badly


@pytest.mark.slow
@pytest.mark.parametrize("isolation", EVERYWHERE)
@pytest.mark.parametrize(
    ("function", "told", "cause"),
    [
        (lambda: {}["x"], "KeyError: 'x'", KeyError),
        (lambda: sys.exit(3), "SystemExit: 3", SystemExit),
        (lambda: (n for n in ()), "cannot be stored", InvalidOutput),
    ],
    ids=["raises", "exits", "unpicklable"],
)
def test_what_a_step_does_wrong_fails_its_run_in_one_line(ws, isolation, function, told, cause):
    with pytest.raises(RunFailed, match=told) as caught:
        ws.runs.start(single(function), stack=isolation)
    assert isinstance(caught.value.__cause__, cause)
    assert "\n" not in str(caught.value)
    assert assert_true(ws) == {"failed": 1}


@pytest.mark.parametrize(
    ("function", "how"),
    [
        (lambda: os._exit(5), "exit code 5"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "signal 9"),
        (lambda: os.kill(os.getpid(), signal.SIGSEGV), "signal 11"),
    ],
    ids=["_exit", "killed", "crashes"],
)
def test_a_process_that_a_step_takes_with_it_fails_the_run_only(ws, function, how):
    with pytest.raises(RunFailed, match=f"{how} and no result") as caught:
        ws.runs.start(single(function), stack="process")
    assert isinstance(caught.value.__cause__, StepProcessDied)
    assert assert_true(ws) == {"failed": 1}


@pytest.mark.slow
def test_a_process_that_is_killed_is_replaced_for_the_next_attempt(ws, tmp_path):
    def die_once() -> int:
        if not (tmp_path / "died").exists():
            (tmp_path / "died").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return 1

    run = ws.runs.start(single(die_once, retries=1), stack="process")
    (only,) = ws.runs.steps(run.id)
    assert only.retried == ["the step's process ended with signal 9 and no result"]


@pytest.mark.parametrize("isolation", EVERYWHERE)
def test_a_step_that_hangs_is_ended(ws, isolation):
    with pytest.raises(RunFailed) as caught:
        ws.runs.start(single(lambda: time.sleep(600), timeout=0.3), stack=isolation)
    assert isinstance(caught.value.__cause__, StepTimedOut)
    assert assert_true(ws) == {"failed": 1}


@pytest.mark.slow
def test_what_a_step_has_started_ends_with_it(ws, tmp_path):
    def start_and_hang():
        child = subprocess.Popen(["sleep", "600"])
        (tmp_path / "child").write_text(str(child.pid))
        child.wait()

    with pytest.raises(RunFailed):
        ws.runs.start(single(start_and_hang, timeout=5.0), stack="process")
    assert_gone(int((tmp_path / "child").read_text()))


@pytest.mark.parametrize("isolation", EVERYWHERE)
def test_a_disk_that_is_full_fails_the_run_and_leaves_nothing_partial(ws, full_disk, isolation):
    ws.components.register(STORE, "small", "local", {"path": str(full_disk / "store")})
    ws.stacks.register("small", orchestrator=isolation, artifact_store="small")
    with pytest.raises(RunFailed, match="the disk is full") as caught:
        ws.runs.start(single(lambda: b"x" * 2**22), stack="small")
    assert "\n" not in str(caught.value)
    assert assert_true(ws) == {"failed": 1}
    assert not [path for path in (full_disk / "store").rglob("*") if path.is_file()]


@pytest.fixture
def full_disk(tmp_path):
    """A disk of one megabyte."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if done.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {done.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("isolation", EVERYWHERE)
def test_100_megabytes_of_output_are_stored_but_not_in_memory(garden, isolation):
    script = f"""
        import resource, sys
        from stackfold import step
        from stackfold.domain.pipelines.pipeline import Pipeline
        from stackfold.infrastructure.workspace import Workspace

        def much() -> None:
            line = "x" * 99 + "\\n"
            for _ in range(1_000_000):
                sys.stdout.write(line)

        only = step(name="only")(much)

        def alone():
            only()

        with Workspace.open({str(garden)!r}) as ws:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            run = ws.runs.start(Pipeline(alone), stack={isolation!r})
            most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            (only,) = ws.runs.steps(run.id)
            length = sum(len(text) for text in ws.runs.logs(run.id, "only"))
            sys.stderr.write(f"{{only.log['size']}} {{length}} {{(most - before) // 1024}}")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    size, length, megabytes = map(int, done.stderr.split())
    assert size == length == 100_000_000
    assert megabytes < 60  # most of it is what the run itself loads


# -- Ctrl-C and kill -9 from outside


def script_of(home, stack, body):
    """A process that runs a pipeline of one step in a home."""
    source = f"""
        import os, sys, time
        from pathlib import Path
        from stackfold.domain.pipelines.pipeline import Pipeline, step
        from stackfold.infrastructure.workspace import Workspace

        @step
        def only() -> None:
            Path({str(home)!r}, "pid").write_text(str(os.getpid()))
            {body}

        @Pipeline
        def alone():
            only()

        if __name__ == "__main__":
            with Workspace.open({str(home)!r}) as ws:
                ws.runs.start(alone, stack={stack!r})
    """
    path = Path(home, "alone.py")
    path.write_text(textwrap.dedent(source))
    process = subprocess.Popen([sys.executable, path], stderr=subprocess.PIPE, text=True)
    pid = Path(home, "pid")
    end = time.monotonic() + 20
    while not (pid.exists() and pid.read_text()):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < end
        time.sleep(0.01)
    return process, int(pid.read_text())


def assert_gone(pid):
    end = time.monotonic() + 5
    while time.monotonic() < end:
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                time.sleep(0.02)
                continue
        return
    pytest.fail(f"process {pid} is there still")


@pytest.mark.parametrize("isolation", EVERYWHERE)
def test_ctrl_c_cancels_the_run_and_leaves_no_process(garden, isolation):
    process, step_process = script_of(garden, isolation, "time.sleep(600)")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode in (130, -signal.SIGINT)
    assert err.rstrip().endswith("KeyboardInterrupt")
    assert_gone(step_process)
    with Workspace.open(garden) as ws:
        (run,) = ws.runs.list()
        assert run.status == "cancelled"
        assert [each.status for each in ws.runs.steps(run.id)] == ["cancelled"]
        assert_true(ws)


@pytest.mark.slow
@pytest.mark.parametrize("isolation", EVERYWHERE)
def test_a_killed_process_leaves_a_run_that_is_seen_as_interrupted(garden, isolation):
    process, step_process = script_of(garden, isolation, "time.sleep(600)")
    with Workspace.open(garden) as ws:
        (run,) = ws.runs.list()
        assert run.status == "running"
    process.kill()
    process.communicate()
    with Workspace.open(garden) as ws:
        (run,) = ws.runs.list()
        assert run.status == "interrupted"
        assert ws.runs.describe(run.id).status == "interrupted"
        assert_true(ws)
    assert_gone(step_process)  # it does not go on behind the log's back
    text = Path(garden, "alone.py").read_text().replace("time.sleep(600)", "pass")
    Path(garden, "alone.py").write_text(text)
    with Workspace.open(garden) as ws:
        assert ws.runs.resume(run.id).status == "completed"


def test_a_child_that_a_step_forked_does_not_prolong_the_run(garden):
    body = "os.fork() or time.sleep(10) or os._exit(0); time.sleep(600)"
    process, _ = script_of(garden, "inline", body)
    time.sleep(0.2)
    process.kill()
    process.wait()
    process.stderr.close()  # not read to its end: the child holds that open
    with Workspace.open(garden) as ws:
        (run,) = ws.runs.list()
        assert run.status == "interrupted"


@pytest.fixture
def killer():
    worker = subprocess.Popen(
        [sys.executable, HERE / "run_worker.py"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip

    def work_and_die(seconds, home, stack, runs=()):
        worker.stdin.write(json.dumps([seconds, str(home), stack, list(runs)]) + "\n")
        worker.stdin.flush()
        answer = worker.stdout.readline()
        assert answer, worker.stderr.read()
        status = json.loads(answer)
        assert os.WIFSIGNALED(status), "it had ended before it was killed"

    yield work_and_die
    worker.kill()
    assert "refused" not in worker.communicate()[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("isolation", "kills", "longest"),
    [("inline", 50, 0.12), ("thread", 50, 0.12), ("process", 20, 1.0)],
)
def test_after_any_kill_the_log_tells_the_truth_and_resuming_finishes(
    garden, killer, isolation, kills, longest
):
    chance = random.Random(11)
    statuses = Counter()
    for number in range(kills):
        with Workspace.open(garden) as ws:
            before = ws.runs.list()
            left = [run.id for run in before if run.status == "interrupted"]
        # Half of the runs that were killed are resumed by a process that is killed, too.
        killer(chance.uniform(0.01, longest), garden, isolation, left[: number % 2])
        with Workspace.open(garden) as ws:
            seen = assert_true(ws)
            assert not seen.keys() - {"completed", "interrupted"}
            statuses += seen
            after = ws.runs.list()
            if not left and len(after) == len(before):
                longest *= 1.2  # a busy machine: no run had begun
            for run in after[: chance.randrange(2)]:
                if run.status == "interrupted":
                    ws.runs.resume(run.id)
    assert statuses["interrupted"] > kills / 4, "the kills came too early to show anything"
    with Workspace.open(garden) as ws:
        for run in ws.runs.list():
            if run.status == "interrupted":
                ws.runs.resume(run.id, why="after the kill")
            seed = ws.runs.describe(run.id).parameters["seed"]
            assert ws.runs.load(run.id, "harvest") == 3 * (seed + sum(range(8)))
        assert assert_true(ws).keys() == {"completed"}
