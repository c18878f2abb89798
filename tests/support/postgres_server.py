"""A PostgreSQL server for tests, on a free port of this machine, deleted when they end.

Its binaries come from the system or from a PyPI package. Where there are none, tests that need it
are skipped, and say why; with STACKFOLD_NO_SKIP set they fail instead.
"""

import glob
import os
import pwd
import shutil
import socket
import subprocess
import sysconfig
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from stackfold.infrastructure.eventstore.open import open_log
from stackfold.infrastructure.queries.scope import Scope
from stackfold.infrastructure.workspace import Workspace

_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=150")


class Server:
    """One cluster; the superuser is "postgres", and everybody on this machine is trusted."""

    def __init__(self, binaries: Path, folder: Path, settings: tuple[str, ...] = _FAST) -> None:
        self._binaries, self.folder = binaries, folder
        self._settings = settings
        self.account = _account()
        self._numbers = count(1)
        self._free: list[str] = []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        if self.account:
            shutil.chown(folder, self.account)
        self._run("initdb", "-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "-N",
                  "--locale=C.UTF-8")  # fmt: skip
        hba = folder / "data" / "pg_hba.conf"
        hba.write_text("host all careful all scram-sha-256\n" + hba.read_text())
        self.start()

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    @contextmanager
    def lent(self) -> Iterator[str]:
        """The address of an empty database; any schema left in it is dropped afterwards."""
        if not self._free:
            self._free.append(f"d{next(self._numbers)}")
            self.execute(f"CREATE DATABASE {self._free[-1]}")
        name = self._free.pop()
        try:
            yield self.url(name)
        finally:
            self.execute("DROP SCHEMA IF EXISTS stackfold CASCADE", name)
            self._free.append(name)

    @contextmanager
    def workspace(self) -> Iterator[Workspace]:
        """A workspace after its first use; like one in memory, it ignores other scopes."""
        with tempfile.TemporaryDirectory(prefix="stackfold-") as folder, self.lent() as url:
            home = Path(folder)
            with Workspace(open_log(home, url), home, Scope) as workspace:
                yield workspace

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Execute a statement as the superuser."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def start(self) -> None:
        settings = (*self._settings, "listen_addresses=127.0.0.1", f"port={self.port}")
        options = " ".join(f"-c {each}" for each in (*settings, "unix_socket_directories=''"))
        self._run("pg_ctl", "-D", "data", "-w", "-l", "server.log", "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        self._run("pg_ctl", "-D", "data", "-w", "-m", mode, "stop")

    def restart_in(self, seconds: float) -> threading.Timer:
        """Start the stopped server after some seconds."""
        timer = threading.Timer(seconds, self.start)
        timer.start()
        return timer

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._binaries / program), *arguments]
        if self.account:
            command = ["runuser", "-u", self.account, "--", *command]
        with (self.folder / "output").open("a") as output:
            done = subprocess.run(
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode:
            raise RuntimeError(f"{program}: {(self.folder / 'output').read_text()[-2000:]}")


def _account() -> str:
    """The account that runs the server; PostgreSQL does not run as root."""
    if os.geteuid() != 0:
        return ""
    names = {user.pw_name for user in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def binaries() -> Path | None:
    """The folder with initdb and pg_ctl, of the system or of a package of PyPI."""
    found = shutil.which("initdb")
    if found and shutil.which("pg_ctl"):
        return Path(found).parent
    site = sysconfig.get_path("purelib")
    for pattern in ("/usr/lib/postgresql/*/bin", f"{site}/*/pginstall/bin", f"{site}/*/bin"):
        for folder in sorted(glob.glob(pattern), reverse=True):
            if os.path.exists(f"{folder}/initdb") and os.path.exists(f"{folder}/pg_ctl"):
                return Path(folder)
    return None


def unavailable(reason: str) -> None:
    """Skip, saying why; or fail, where nothing may be skipped."""
    text = f"there is no PostgreSQL to test with: {reason}"
    if os.environ.get("STACKFOLD_NO_SKIP"):
        pytest.fail(text, pytrace=False)
    pytest.skip(text)


def started(settings: tuple[str, ...] = _FAST, place: str | None = None) -> Iterator[Server]:
    """A server, stopped after the block."""
    pytest.importorskip("psycopg", reason="pip install 'stackfold[postgres]'")
    where = binaries()
    if where is None:
        unavailable("initdb was not found; .ci/run installs it")
    assert where is not None
    with tempfile.TemporaryDirectory(prefix="stackfold-pg-", dir=place) as folder:
        os.chmod(folder, 0o755)  # the server may be another user's
        try:
            server = Server(where, Path(folder), settings)
        except (OSError, RuntimeError) as error:
            unavailable(str(error))
            return
        try:
            yield server
        finally:
            server.stop("immediate")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """The server that tests share; each uses separate databases."""
    yield from started()


@pytest.fixture
def own_postgres() -> Iterator[Server]:
    """A server for a test that stops it; acknowledged writes survive."""
    yield from started(("fsync=off", "max_connections=50"))
