"""Damaged, locked, read-only and full: one line says what to do, and nothing is lost."""

import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest
from replay import assert_consistent, records_of
from workspaces import STORE, names, store

from stackfold.domain.errors import LogUnavailable, StackfoldError
from stackfold.infrastructure.database import sqlite as sqlite_database
from stackfold.infrastructure.database import sqlite_file
from stackfold.infrastructure.system.home import LOG_FILE
from stackfold.infrastructure.workspace import Workspace


def tried(home):
    """The outcomes of reading, lookup and writing; anything but a one-line error raises."""
    told = []
    for command in (
        lambda ws: ws.stacks.list(),
        lambda ws: ws.components.list(STORE),
        lambda ws: ws.stacks.get("a"),
        lambda ws: store(ws, "new"),
        lambda ws: ws.stacks.activate("b"),
    ):
        try:
            with Workspace.open(home) as ws:
                command(ws)
            told.append("")
        except StackfoldError as error:
            told.append(str(error))
    assert "\n" not in "".join(told)
    return told


def refusal_of(home):
    """The one error of every operation."""
    (told,) = {*tried(home)}
    assert told.startswith(f"the log at {home / LOG_FILE} ")
    return told


# -- damaged files


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty: restore it from a backup"),
        (b"x", "is not a Stackfold log"),
        (b"garbage" * 1000, "is not a Stackfold log"),
        (bytes(8192), "is not a Stackfold log"),
        (b"SQLite format 3\0" + b"x" * 8192, "restore it from a backup"),
    ],
)
def test_a_file_that_is_no_log_is_rejected_unchanged(home, content, told):
    (home / LOG_FILE).write_bytes(content)
    assert told in refusal_of(home)
    assert (home / LOG_FILE).read_bytes() == content


def test_another_programs_database_is_rejected_unchanged(home):
    (home / LOG_FILE).unlink()
    connection = sqlite3.connect(home / LOG_FILE)
    connection.execute("CREATE TABLE precious (x)")
    connection.commit()
    connection.close()
    before = (home / LOG_FILE).read_bytes()
    assert "is not a Stackfold log: move it away" in refusal_of(home)
    assert (home / LOG_FILE).read_bytes() == before


def test_a_newer_log_is_rejected(home):
    connection = sqlite3.connect(home / LOG_FILE)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    assert "was written by a newer Stackfold: upgrade" in refusal_of(home)


@pytest.mark.parametrize(
    "length", [16, 50, 100, 1000, 4096, 5000, 8192, 20000, 0.25, 0.5, 0.75, -4096, -100, -1]
)
def test_a_truncated_log_is_rejected_and_its_backup_is_intact(home, length):
    log = home / LOG_FILE
    whole = log.read_bytes()
    keep = int(length * len(whole)) if isinstance(length, float) else length % len(whole)
    assert 0 < keep < len(whole)
    log.write_bytes(whole[:keep])
    assert "from a backup" in refusal_of(home) or keep < 4096
    log.write_bytes(whole)
    with Workspace.open(home) as ws:
        assert_consistent(ws)


@pytest.mark.parametrize("page", range(1, 30, 4))
def test_a_damaged_page_is_a_refusal_in_one_line(home, page):
    log = home / LOG_FILE
    data = bytearray(log.read_bytes())
    page = page % (len(data) // 4096)
    data[page * 4096 : (page + 1) * 4096] = os.urandom(4096)
    log.write_bytes(data)
    tried(home)


def test_a_garbage_journal_beside_the_log_is_ignored(home):
    for end in ("-wal", "-shm"):
        Path(f"{home / LOG_FILE}{end}").write_bytes(b"garbage" * 1000)
    assert not any(tried(home))
    with Workspace.open(home) as ws:
        assert_consistent(ws)


def test_a_log_that_vanishes_is_not_silently_recreated(home):
    (home / LOG_FILE).unlink()
    with pytest.raises(LogUnavailable, match="is missing: restore it from a backup"):
        sqlite_database.SqliteDatabase.open(home / LOG_FILE)


# -- locked


@pytest.mark.parametrize("left", [200, 4096, 5000, 0.5, -1], ids=str)
def test_a_truncated_log_is_not_read_as_complete(tmp_path, left):
    with Workspace.open(tmp_path):
        pass
    log = tmp_path / LOG_FILE
    size = log.stat().st_size
    os.truncate(log, left if left > 1 else int(size * left) if left > 0 else size + left)
    with pytest.raises(LogUnavailable, match="was cut off: restore it from a backup"):
        Workspace.open(tmp_path)


def test_a_locked_log_can_be_read_and_is_written_after_the_lock(home, monkeypatch):
    monkeypatch.setattr(sqlite_file, "PATIENCE", 0.05)
    lock = sqlite3.connect(home / LOG_FILE, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    with Workspace.open(home) as ws:
        before = records_of(ws._database)
        assert names(ws.stacks.list()) == ["a", "b", "c", "default"]
        for _ in range(2):
            with pytest.raises(LogUnavailable, match="is locked by another process: try again"):
                store(ws, "new")
        assert records_of(ws._database) == before
        lock.execute("ROLLBACK")
        assert store(ws, "new").revision == 1
        assert_consistent(ws)
    lock.close()


def test_a_write_waits_for_a_short_lock(home):
    lock = sqlite3.connect(home / LOG_FILE, isolation_level=None, check_same_thread=False)
    lock.execute("BEGIN IMMEDIATE")
    threading.Timer(0.3, lambda: lock.execute("ROLLBACK")).start()
    with Workspace.open(home) as ws:
        assert store(ws, "new").revision == 1
    lock.close()


# -- read-only


@pytest.fixture
def public():
    """A folder that every user may enter; pytest's are private."""
    with tempfile.TemporaryDirectory(prefix="stackfold-test-") as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


@pytest.mark.parametrize("left_open", [False, True], ids=["at rest", "while somebody writes"])
def test_read_access_is_enough_to_read(home, public, start, left_open):
    copy = public / "home"
    shutil.copytree(home, copy)
    for path in (copy / LOG_FILE, copy):
        path.chmod(0o555 if path.is_dir() else 0o444)
    owner = Workspace.open(copy) if left_open and os.geteuid() == 0 else None
    if owner:
        store(owner, "unseen")
    elif left_open:
        pytest.skip("only root can write what others may only read")
    told = json.loads(start("as_nobody", copy, copy / "new").communicate(timeout=60)[0])
    if owner:
        owner.close()
    stores = ["default", "hot", *(["unseen"] if owner else [])]
    assert told.pop("list") == told.pop("list again") == json.dumps(stores)
    assert told == {
        "write": f"LogUnavailable: the log at {copy / LOG_FILE} is read-only: make it writable "
        "or set STACKFOLD_HOME to another folder",
        "first use": f"LogUnavailable: the log at {copy / 'new' / LOG_FILE} cannot be created: "
        "Permission denied; set STACKFOLD_HOME to another folder",
    }
    copy.chmod(0o755)
    (copy / LOG_FILE).chmod(0o644)
    with Workspace.open(copy) as ws:
        assert_consistent(ws)


def test_an_inaccessible_home_is_one_line(home, public, start):
    private = public / "private"
    shutil.copytree(home, private / "home")
    private.chmod(0o700 if os.geteuid() == 0 else 0o000)
    told = start("as_nobody", private / "home", private / "new", stderr=subprocess.PIPE)
    error = told.communicate(timeout=60)[1].strip().splitlines()[-1]
    private.chmod(0o755)
    assert error.endswith(
        f"the log at {private / 'home' / LOG_FILE} cannot be created: Permission denied; "
        "set STACKFOLD_HOME to another folder"
    )


# -- full


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 2 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a small file system cannot be mounted here: {error}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(ws):
    """Registers components until the disk is full; returns how many."""
    for number in range(10_000):
        try:
            ws.components.register(STORE, f"s{number}", "local", labels={"text": "x" * 2000})
        except LogUnavailable as error:
            assert str(error).endswith("the disk is full: free some space and try again")  # noqa: PT017
            return number
    raise AssertionError("the disk was not small")


def test_a_full_disk_is_one_line_and_nothing_is_lost(small_disk):
    home = small_disk / "home"
    with Workspace.open(home) as ws:
        filler = small_disk / "filler"
        filler.write_bytes(bytes(900_000))
        done = fill(ws)
        assert done > 10
        assert len(ws.components.list(STORE)) == 1 + done
        with pytest.raises(LogUnavailable):
            store(ws, "one-more", path="x" * 100_000)
        filler.unlink()
        store(ws, "afterwards")
        assert len(ws.components.list(STORE)) == 1 + done + 1
        assert assert_consistent(ws) == 4 + done + 1
    with Workspace.open(home) as ws:
        assert assert_consistent(ws) == 4 + done + 1


def test_a_first_use_of_a_full_disk_leaves_nothing(small_disk):
    (small_disk / "filler").write_bytes(bytes(2 * 2**20 - 3 * 4096))
    home = small_disk / "home"
    with pytest.raises(LogUnavailable) as refusal:
        Workspace.open(home)
    text = str(refusal.value)
    assert text.startswith(f"the log at {home / LOG_FILE} cannot ")
    assert "\n" not in text
    assert [path.name for path in small_disk.rglob("*")] in (["filler"], ["filler", "home"],
                                                            ["home", "filler"])  # fmt: skip
    (small_disk / "filler").unlink()
    with Workspace.open(home) as ws:
        assert assert_consistent(ws) == 4
