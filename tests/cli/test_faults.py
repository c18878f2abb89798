"""A damaged log or home is one line on stderr with exit code 1, and nothing is lost."""

import os
import sqlite3
import stat

import pytest
from command_line import as_nobody, in_a_process

from stackfold.cli import fast_path

READ = ["stack", "list"]
READ_BY_TYPER = ["stack", "list", "--name", "default"]
WRITE = ["orchestrator", "register", "a", "-f", "local"]
each_way = pytest.mark.parametrize("words", [READ, READ_BY_TYPER, WRITE], ids=" ".join)
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@pytest.fixture
def log(cli, tmp_path):
    cli.ok("stack", "list")
    return tmp_path / "home" / "log.sqlite"


@each_way
def test_a_log_of_random_bytes(cli, log, words):
    log.write_bytes(os.urandom(50_000))
    assert str(log) in cli.fails(*words)


@each_way
@pytest.mark.parametrize("kept", [0, 10, 100, 5_000, 20_000])
def test_a_truncated_log(cli, log, words, kept):
    log.write_bytes(log.read_bytes()[:kept])
    assert str(log) in cli.fails(*words)


@each_way
def test_another_applications_database(cli, log, words):
    log.unlink()
    with sqlite3.connect(log) as other:
        other.execute("CREATE TABLE t (x)")
    other.close()
    assert "not a Stackfold log" in cli.fails(*words)


@each_way
def test_a_log_of_a_newer_version(cli, log, words):
    with sqlite3.connect(log) as connection:
        connection.execute("PRAGMA user_version = 1000")
    connection.close()
    assert "newer" in cli.fails(*words)


@each_way
def test_a_folder_in_place_of_the_log(cli, log, words):
    log.unlink()
    log.mkdir()
    assert str(log) in cli.fails(*words)


@each_way
def test_a_file_in_place_of_the_home(cli, tmp_path, words):
    (tmp_path / "home").write_text("")
    assert str(tmp_path / "home") in cli.fails(*words)


@pytest.mark.slow
def test_a_locked_log_can_be_read_but_not_changed(cli, log):
    holder = sqlite3.connect(log, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        impatient = "import stackfold.infrastructure.database.protocol as d; d.PATIENCE = 0.1"
        answer = in_a_process(*WRITE, before=impatient)
        assert cli.ok(*READ)
    finally:
        holder.close()
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == (
        f"error: the log at {log} is locked by another process: try again when that has ended\n"
    )
    cli.ok(*WRITE)


@as_root
def test_a_read_only_home(cli, log, tmp_path):
    _let_others_read(tmp_path)
    read = as_nobody(*READ)
    assert (read.code, read.err) == (0, "")
    assert read.out == cli.ok(*READ)
    written = as_nobody(*WRITE)
    assert (written.code, written.out) == (1, "")
    assert written.err.count("\n") == 1
    assert "read-only" in written.err


@as_root
def test_a_home_that_cannot_be_created(cli, tmp_path):
    _let_others_read(tmp_path)
    answer = as_nobody(*READ)
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == (
        f"error: the log at {tmp_path}/home/log.sqlite cannot be created: Permission denied; "
        "set STACKFOLD_HOME to another folder\n"
    )


@as_root
def test_a_home_without_permissions(cli, log, tmp_path):
    _let_others_read(tmp_path)
    log.parent.chmod(stat.S_IRWXU)
    answer = as_nobody(*READ)
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith("error: ")
    assert answer.err.count("\n") == 1


def test_a_deleted_current_folder(cli, log, tmp_path):
    gone = "import os; os.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone')"
    answer = in_a_process(*READ, before=gone)
    assert answer.code in {0, 1}
    assert "Traceback" not in answer.err


def test_a_bug_is_one_line_unless_debugging(cli, monkeypatch):
    def faulty(arguments):
        raise RuntimeError("two\nlines")

    monkeypatch.setattr(fast_path, "try_fast_path", faulty)
    assert "unexpected RuntimeError: two lines; this is a bug in Stackfold" in cli.fails(*READ)
    monkeypatch.setenv("STACKFOLD_DEBUG", "1")
    with pytest.raises(RuntimeError):
        cli(*READ)


def test_an_interrupt_prints_nothing(cli, monkeypatch):
    def interrupted(arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(fast_path, "try_fast_path", interrupted)
    assert cli(*READ) == (130, "", "")


def _let_others_read(folder):
    """Let everybody pass the temporary folders above, and look into this one."""
    for each in (folder, *folder.parents):
        if each.owner() == "root" and each != each.parent:
            each.chmod(each.stat().st_mode | stat.S_IXOTH | stat.S_IROTH)
    for each in folder.rglob("*"):
        each.chmod(each.stat().st_mode | stat.S_IROTH | (stat.S_IXOTH * each.is_dir()))


def test_a_rebuild_repairs_a_wrong_read_model(cli, log):
    with sqlite3.connect(log) as connection:
        connection.execute("UPDATE stacks SET name = 'other'")
    connection.close()
    assert cli.fails("log", "verify") == (
        "#3 differs in the read model 'stacks'; "
        "the log itself is intact: `stackfold log rebuild` recreates the read models"
    )
    cli.ok("log", "rebuild")
    assert cli.ok("log", "verify").startswith("4 events verified")
