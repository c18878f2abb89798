"""Processes that outlive whoever started them, and are found again."""

import os
import signal
import sys
import time

import pytest

from stackfold.infrastructure.system import server_process
from stackfold.infrastructure.system.server_process import (
    ServerProcess,
    alive,
    end,
    start,
)

WAITS = "import time; print('up', flush=True); time.sleep(60)"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + WAITS
FAMILY = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', sys.argv[1]]); " + WAITS


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log"


@pytest.fixture
def started(log):
    """Starts programs, and waits until they say that they are up."""
    servers = []

    def go(*program, up=1):
        servers.append(start([sys.executable, "-c", *program], dict(os.environ), log))
        while log.read_text().count("up") < up:
            time.sleep(0.01)
        return servers[-1]

    yield go
    for each in servers:
        end(each, 0)


def test_it_writes_to_a_log_that_is_its_owners(started, log):
    started(WAITS)
    assert log.read_text() == "up\n"
    assert log.stat().st_mode & 0o777 == 0o600


def test_it_is_in_a_session_of_its_own(started):
    server = started(WAITS)
    assert os.getsid(server.pid) == server.pid != os.getsid(0)


def test_it_is_alive_until_it_has_ended(started):
    server = started(WAITS)
    assert alive(server)
    os.kill(server.pid, signal.SIGKILL)
    while alive(server):
        time.sleep(0.01)
    end(server)


def test_a_process_that_got_its_id_later_is_not_it(started):
    server = started(WAITS)
    earlier = server._replace(started="another time")
    assert not alive(earlier)
    end(earlier)
    assert alive(server)


def test_one_that_was_never_there_is_not_alive():
    nobody = ServerProcess(2**22 + 1, "never")
    assert not alive(nobody)
    end(nobody)


def test_it_ends_by_itself_if_it_can(started):
    server = started(WAITS)
    end(server)
    assert not alive(server)


def test_one_that_does_not_listen_is_killed(started):
    server = started(DEAF)
    end(server, 0.2)
    assert not alive(server)


def test_what_it_has_started_ends_with_it_and_keeps_it_alive(started):
    server = started(FAMILY, DEAF, up=2)
    os.kill(server.pid, signal.SIGKILL)
    time.sleep(0.1)
    assert alive(server)
    end(server, 0.2)
    assert not alive(server)


def test_ps_lists_what_linux_lists(started):
    server = started(WAITS)
    if not server_process._BOOT.exists():
        pytest.skip("there is no /proc here to compare with")
    try:
        (by_ps,) = (e for e in server_process._listed_by_ps() if e.pid == server.pid)
    except FileNotFoundError:
        pytest.skip("there is no ps here")
    (by_linux,) = (e for e in server_process._listed() if e.pid == server.pid)
    assert by_ps[:3] == by_linux[:3] == (server.pid, server.pid, True)
    again = [e.started for e in server_process._listed_by_ps() if e.pid == server.pid]
    assert again == [by_ps.started]
