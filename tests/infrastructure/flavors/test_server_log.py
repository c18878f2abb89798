"""The log of a model server is bounded, and its last lines say why the server ended."""

import subprocess
import sys

import pytest

from stackfold.infrastructure.flavors.model_serving import server_log

WRITER = """
import os, sys, time
from stackfold.infrastructure.flavors.model_serving import server_log

server_log.limit_size(max_bytes=10_000, interval=0.001)
for number in range(20_000):
    print(f"line {number}", file=sys.stderr)
while int(sys.argv[1]) and os.path.getsize(server_log.NAME) > 10_000:
    time.sleep(0.01)
print("the end", file=sys.stderr)
"""


@pytest.fixture
def log(tmp_path):
    return tmp_path / server_log.NAME


def test_a_log_that_is_small_enough_is_left_alone(log):
    log.write_text("one\ntwo\n")
    server_log.shorten(log, max_bytes=8)
    assert log.read_text() == "one\ntwo\n"


def test_a_log_that_is_too_large_keeps_its_newest_whole_lines(log):
    log.write_text("".join(f"line {number}\n" for number in range(100)))
    server_log.shorten(log, max_bytes=100)
    assert log.read_text() == "".join(f"line {number}\n" for number in range(94, 100))


def test_processes_that_have_it_open_append_to_what_is_left(log):
    with log.open("a") as writer:
        writer.write("old\n" * 100)
        writer.flush()
        server_log.shorten(log, max_bytes=20)
        writer.write("new\n")
    assert log.read_text() == "old\nold\nnew\n"


def test_a_deleted_log_is_not_created_again(log):
    server_log.shorten(log, max_bytes=10)
    assert not log.exists()


def test_a_process_keeps_its_own_log_within_the_size(log, tmp_path):
    with log.open("a") as stderr:
        command = [sys.executable, "-c", WRITER, "1"]
        subprocess.run(command, cwd=tmp_path, stderr=stderr, check=True)
    assert log.stat().st_size <= 10_000 + len("the end\n")
    assert log.read_text().endswith("\nthe end\n")


def test_a_process_whose_log_is_elsewhere_changes_nothing(log, tmp_path):
    log.write_text("of another process\n" * 1000)
    command = [sys.executable, "-c", WRITER, "0"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert log.read_text() == "of another process\n" * 1000
    assert len(done.stderr.splitlines()) == 20_001


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("ValueError: one\nstackfold: the reason\nmore\n", "the reason"),
        ("starting\nValueError: one\nmore\n", "ValueError: one"),
        ("starting\nstopping\n\n", "stopping"),
        ("", "nothing"),
    ],
)
def test_the_reason_is_what_the_server_reported_or_the_last_error_or_line(log, content, reason):
    log.write_text(content)
    assert server_log.last_reason(log) == reason


def test_without_a_log_there_is_no_reason(log):
    assert server_log.last_reason(log) == "nothing"
