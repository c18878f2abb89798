"""A shared log whose server restarts, vanishes, fills up or forbids: one line, and nothing lost."""

import os
import shutil
import subprocess
import threading
import time
from contextlib import closing

import psycopg
import pytest
from cutting_proxy import CuttingProxy
from replay import assert_consistent, records_of
from workspaces import STORE, names, opened, store

from stackfold.domain.errors import LogUnavailable, NameTaken, StackfoldError
from stackfold.infrastructure.database import postgres as postgres_database
from stackfold.infrastructure.database import postgres_connection, postgres_session
from stackfold.infrastructure.database.schema_version import SCHEMA
from stackfold.infrastructure.eventstore import rebuild as rebuilding
from stackfold.infrastructure.eventstore.rebuild import rebuild

pytestmark = pytest.mark.slow


@pytest.fixture
def url(postgres):
    with postgres.lent() as url:
        yield url


@pytest.fixture
def ws(url):
    with opened(url) as workspace:
        yield workspace


def refusal(command):
    """The error of a command, which must be one line."""
    with pytest.raises(StackfoldError) as refused:
        command()
    assert "\n" not in str(refused.value)
    return str(refused.value)


def cut_off(postgres, url):
    """End everybody's connections, as an administrator or a crash does."""
    name = url.rpartition("/")[2]
    postgres.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        f"WHERE datname = '{name}' AND pid <> pg_backend_pid()"
    )


# -- lost connections


def test_a_connection_lost_between_two_commands_is_reopened(postgres, url, ws):
    cut_off(postgres, url)
    assert names(ws.stacks.list()) == ["default"]
    cut_off(postgres, url)
    assert ws._database.read("SELECT 1") == [(1,)]
    cut_off(postgres, url)
    store(ws, "a")
    assert assert_consistent(ws) == 5


def test_a_connection_lost_in_the_middle_of_a_write_loses_nothing(postgres, url, ws, monkeypatch):
    projector = ws._services.event_store.log._projector
    project = projector.project
    times = []

    def project_once_cut_off(*arguments):
        times.append(1)
        if len(times) == 1:
            cut_off(postgres, url)
        return project(*arguments)

    monkeypatch.setattr(projector, "project", project_once_cut_off)
    assert store(ws, "a").revision == 1
    assert len(times) == 2
    assert assert_consistent(ws) == 5


@pytest.mark.parametrize("committed", [True, False])
def test_an_unconfirmed_commit_is_looked_up(postgres, url, committed):
    proxy = CuttingProxy(postgres.port)
    try:
        with opened(url.replace(f":{postgres.port}/", f":{proxy.port}/")) as ws:
            store(ws, "before")
            for number in range(5):
                proxy.cut_on(b"COMMIT\0", pass_on=committed)
                assert store(ws, f"s{number}").revision == 1
            assert proxy.cuts == 5
            assert assert_consistent(ws) == 4 + 1 + 5
            with pytest.raises(NameTaken):
                store(ws, "s0")
    finally:
        proxy.close()


def test_an_interrupted_reader_gets_an_error_to_retry(postgres, url, ws):
    def read():
        with ws._database.look():
            cut_off(postgres, url)
            ws.stacks.list()

    assert refusal(read).endswith("was disconnected during a read: try again")
    assert names(ws.stacks.list()) == ["default"]


def test_following_continues_after_a_lost_connection(postgres, url, ws):
    with closing(ws.log.subscribe(after=4, timeout=10)) as events:
        store(ws, "a")
        assert next(events).position == 5
        threading.Timer(0.3, cut_off, (postgres, url)).start()
        writer = threading.Timer(1.5, store, (ws, "b"))
        writer.start()
        assert next(events).position == 6
        writer.join()  # it reads what it has written, in a workspace that is about to be closed


# -- an unavailable server


@pytest.fixture
def mine(own_postgres):
    """A server to stop, and a workspace in it."""
    with opened(own_postgres.url()) as ws:
        yield own_postgres, ws


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_write_waits_for_a_restart(mine, mode):
    server, ws = mine
    store(ws, "before")
    for number, command in enumerate((ws.stacks.list, lambda: store(ws, "after"))):
        server.stop(mode)
        timer = server.restart_in(1.0)
        command()
        timer.join()
        assert len(ws.components.list(STORE)) == 2 + number
    assert assert_consistent(ws) == 6


def test_an_unavailable_server_is_reported_within_seconds(mine):
    server, ws = mine
    server.stop()
    place = ws._database.location
    for command in (
        ws.stacks.list,
        lambda: store(ws, "a"),
        lambda: opened(place),
        lambda: next(ws.log.subscribe()),
    ):
        assert refusal(command).startswith(f"the log at {place} cannot be reached: ")
    server.start()
    store(ws, "a")
    assert assert_consistent(ws) == 5


def test_an_unreachable_host_is_reported_within_seconds():
    assert "cannot be reached: " in refusal(lambda: opened("postgresql://u@no.such.host.invalid/d"))
    # An address from which no answer ever comes.
    assert "cannot be reached: " in refusal(lambda: opened("postgresql://u@192.0.2.1/d"))


def test_after_a_fail_over_the_server_that_can_be_written_to_is_found(mine):
    server, ws = mine
    database = ws._database.location.rpartition("/")[2]
    gone = f"127.0.0.1:1,127.0.0.1:{server.port}"
    with opened(f"postgresql://postgres@{gone}/{database}") as other:
        store(other, "a")
        server.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        server.execute("SELECT pg_reload_conf()")
        time.sleep(0.3)
        assert "is read-only" in refusal(lambda: store(ws, "b"))
        assert names(ws.components.list(STORE)) == ["a", "default"]
    told = refusal(lambda: opened(f"postgresql://postgres@{gone}/{database}"))
    assert told.partition(": ")[0].endswith("has no server that can be written to")


# -- missing rights


def test_a_wrong_password_is_reported_but_not_shown(postgres, url, monkeypatch):
    postgres.execute("DROP ROLE IF EXISTS careful")
    postgres.execute("CREATE ROLE careful LOGIN PASSWORD 'planted-right'")
    database = url.rpartition("/")[2]
    address = postgres.url(database, "careful")
    told = refusal(lambda: opened(address))
    assert (
        told == f"the log at {address} rejects the password: give it in PGPASSWORD or in ~/.pgpass"
    )
    monkeypatch.setenv("PGPASSWORD", "planted-wrong")
    assert refusal(lambda: opened(address)) == told
    monkeypatch.setenv("PGPASSWORD", "planted-right")
    postgres.execute(f"GRANT CREATE ON DATABASE {database} TO careful")
    with opened(address) as ws:
        store(ws, "a")
        assert "planted" not in f"{ws.status()}{records_of(ws._database)}"


def test_unknown_databases_and_users_are_reported(postgres):
    assert 'database "nope" does not exist' in refusal(lambda: opened(postgres.url("nope")))
    assert 'role "nope" does not exist' in refusal(lambda: opened(postgres.url("postgres", "nope")))


def test_the_documented_role_can_work_but_not_tamper(postgres, url, ws, monkeypatch):
    database = url.rpartition("/")[2]
    postgres.execute("DROP ROLE IF EXISTS team")
    postgres.execute("CREATE ROLE team LOGIN")
    for statement in documented_grants():
        postgres.execute(statement, database)
    address = postgres.url(database, "team")
    with opened(address) as member:
        store(member, "a")
        member.components.update(STORE, "a", {"path": "x"})
        member.stacks.register("s", orchestrator="default", artifact_store="a", activate=True)
        member.components.rename(STORE, "a", "b")
        assert member.log.rebuild() == 9
        assert member.log.verify().intact
        assert assert_consistent(member) == 9
        with psycopg.connect(address, options="-c search_path=stackfold") as connection:
            for statement in (
                "UPDATE events SET topic = 'x'",
                "DELETE FROM events",
                "TRUNCATE events",
                "ALTER TABLE events DISABLE TRIGGER ALL",
                "DROP TABLE events",
                "UPDATE version SET form = 1",
                "CREATE OR REPLACE FUNCTION append_only() RETURNS trigger LANGUAGE sql AS 'x'",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement.encode())
                connection.rollback()
    newer(monkeypatch)
    told = refusal(lambda: opened(address))
    assert told.endswith("is of an older version: let its owner run any command, which upgrades it")
    postgres.execute("DROP OWNED BY team", database)


def documented_grants():
    """The statements in docs/postgres.md that make the role."""
    from pathlib import Path

    text = (Path(__file__).parents[2] / "docs" / "postgres.md").read_text()
    block = text.partition("<!-- role -->\n```sql\n")[2].partition("```")[0]
    statements = [each.strip() for each in block.split(";") if each.strip()]
    assert len(statements) > 3
    return [each for each in statements if not each.startswith("CREATE ROLE")]


def test_a_missing_right_to_create_a_log_is_reported(postgres, url):
    postgres.execute("DROP ROLE IF EXISTS guest")
    postgres.execute("CREATE ROLE guest LOGIN")
    told = refusal(lambda: opened(url.replace("postgres@", "guest@")))
    assert "does not allow this: permission denied for database" in told


# -- locked, full, of another version


def test_a_locked_log_can_be_read_and_is_written_after_the_lock(url, monkeypatch):
    monkeypatch.setattr(postgres_connection, "PATIENCE", 0.2)
    with opened(url) as ws, opened(url) as other:
        with other._database.write():
            assert names(ws.stacks.list()) == ["default"]
            told = refusal(lambda: store(ws, "a"))
            assert told.endswith("is locked by another process: try again when that has ended")
        store(ws, "a")
        assert assert_consistent(ws) == 5


def test_readers_go_on_while_the_read_models_are_rebuilt(url, ws):
    store(ws, "a")
    seen = []
    with opened(url) as other:

        def look(_):
            seen.append(names(other.components.list(STORE)))

        with ws._database.write() as cursor:
            rebuild(ws._database)
            look(None)
            assert cursor.execute("SELECT count(*) FROM events").fetchall() == [(5,)]
    assert seen == [["a", "default"]]


def test_a_newer_log_is_rejected_by_open_workspaces_too(postgres, url, ws):
    ws._database.read("SELECT 1")
    postgres.execute(f"UPDATE stackfold.version SET form = {SCHEMA + 1}", url.rpartition("/")[2])
    assert refusal(lambda: opened(url)).endswith("was written by a newer Stackfold: upgrade")
    assert refusal(lambda: store(ws, "a")).endswith("was written by a newer Stackfold: upgrade")
    postgres.execute(f"UPDATE stackfold.version SET form = {SCHEMA}", url.rpartition("/")[2])
    store(ws, "a")


def newer(monkeypatch):
    """Let this be a later version of Stackfold."""
    for module in (postgres_database, postgres_session, rebuilding):
        monkeypatch.setattr(module, "SCHEMA", SCHEMA + 1)


def test_an_older_log_is_upgraded_on_first_use(postgres, url, ws, monkeypatch):
    store(ws, "a")
    database = url.rpartition("/")[2]
    postgres.execute("ALTER TABLE stackfold.components DROP COLUMN labels", database)
    newer(monkeypatch)
    told = []

    def use():
        with opened(url) as other:
            told.append(names(other.components.list(STORE)))

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == [["a", "default"]] * 4
    assert assert_consistent(ws) == 5
    monkeypatch.undo()
    assert refusal(lambda: store(ws, "b")).endswith("was written by a newer Stackfold: upgrade")


def test_a_full_disk_is_reported_and_nothing_is_lost(postgres):
    disk = postgres.folder / "small"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=12m,mode=777", "tmpfs", disk]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a small file system cannot be mounted here: {error}")
    try:
        shutil.chown(disk, postgres.account or None)
        postgres.execute(f"CREATE TABLESPACE small LOCATION '{disk}'")
        postgres.execute("CREATE DATABASE small TABLESPACE small")
        with opened(postgres.url("small")) as ws:
            done = 0
            told = ""
            while not told:
                try:
                    ws.components.register(
                        STORE, f"s{done}", "local", {"path": os.urandom(20_000).hex()}
                    )
                    done += 1
                except LogUnavailable as error:
                    told = str(error)
            assert told.endswith("the server's disk is full: free some space and try again")
            assert len(ws.components.list(STORE)) == 1 + done
            assert ws.log.head().position == 4 + done
        postgres.execute("DROP DATABASE small")
        postgres.execute("DROP TABLESPACE small")
    finally:
        subprocess.run(["umount", "-l", disk], check=True)
