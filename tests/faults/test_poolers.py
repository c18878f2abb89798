"""Connection poolers between Stackfold and PostgreSQL, with a real pgbouncer."""

import os
import pwd
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager

import pytest

from stackfold import Workspace
from stackfold.errors import LogUnavailable

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")


@pytest.fixture
def url(postgres):
    with postgres.lent() as url:
        yield url


@contextmanager
def pooler(postgres, folder, mode):
    """The address of a pgbouncer in front of the server; {} stands for the database."""
    if PGBOUNCER is None:
        pytest.skip("pgbouncer is not installed: apt-get install pgbouncer")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    file = folder / "pgbouncer.ini"
    file.write_text(
        f"[databases]\n* = host=127.0.0.1 port={postgres.port}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\n"
        f"unix_socket_dir =\npool_mode = {mode}\n"
    )
    text = file.read_text().replace("* = host=127.0.0.1", "* = user=postgres host=127.0.0.1")
    file.write_text(text)
    account = {}
    if os.geteuid() == 0:  # it does not run as root
        nobody = pwd.getpwnam("nobody")
        for each in (file, folder):
            os.chown(each, nobody.pw_uid, nobody.pw_gid)
        account = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    output = (folder / "output").open("w")
    process = subprocess.Popen(
        [PGBOUNCER, "pgbouncer.ini"], cwd=folder, stdout=output, stderr=output, **account
    )
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                assert process.poll() is None, (folder / "output").read_text()
                time.sleep(0.05)
        yield f"postgresql://postgres@127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait()
        output.close()


@pytest.fixture
def folder(tmp_path_factory):
    """A folder that another account may enter."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="stackfold-pgbouncer-") as name:
        from pathlib import Path

        os.chmod(name, 0o755)
        yield Path(name)


@pytest.mark.parametrize("mode", ["transaction", "statement"])
def test_a_pooler_of_transactions_is_rejected_with_what_to_do(postgres, url, folder, mode):
    Workspace.open(store=url).close()
    with (
        pooler(postgres, folder, mode) as address,
        pytest.raises(LogUnavailable, match="set pool_mode = session") as caught,
    ):
        Workspace.open(store=address + url.rpartition("/")[2])
    assert "\n" not in str(caught.value)


def test_a_pooler_of_sessions_works(postgres, url, folder):
    with (
        pooler(postgres, folder, "session") as address,
        Workspace.open(store=address + url.rpartition("/")[2]) as ws,
    ):
        events = ws.subscribe(after=ws.log.head(), timeout=20)
        ws.stacks.register("prod", orchestrator=["default"], artifact_store=["default"])
        assert next(events).topic == "stack.registered"
        events.close()
        assert ws.log.verify().intact
