"""Permissions of homes, and errors for homes that are missing or unusable."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import NOBODY, in_a_process

from stackfold import pipeline, step
from stackfold.domain.errors import (
    HomeWritable,
    InvalidFile,
    LogUnavailable,
    StackfoldError,
    Unavailable,
)
from stackfold.infrastructure.system.claims import FileClaims
from stackfold.infrastructure.system.home import home_folder
from stackfold.infrastructure.workspace import Workspace

RUN = "00000000-0000-4000-8000-000000000001"


@step(enable_cache=False)
def one() -> int:
    print("working")
    return 1


@pipeline
def ones():
    one()


@pytest.fixture
def umask():
    """Sets the umask until the test ends."""
    before = os.umask(0)
    os.umask(before)
    yield os.umask
    os.umask(before)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home that is not there yet, two folders deep."""
    for name in [name for name in os.environ if name.startswith("STACKFOLD_")]:
        monkeypatch.delenv(name)
    home = tmp_path / "data" / "home"
    monkeypatch.setenv("STACKFOLD_HOME", str(home))
    monkeypatch.chdir(tmp_path)
    return home


def modes(folder: Path) -> dict[int, set[str]]:
    """Mode → what is in a folder, itself included, and has that mode."""
    found: dict[int, set[str]] = {}
    for each in (folder, *folder.rglob("*")):
        kind = "folder" if each.is_dir() else "file"
        found.setdefault(stat.S_IMODE(each.stat().st_mode), set()).add(kind)
    return found


# -- who gets in


@pytest.mark.parametrize("mask", [0, 0o022, 0o077, 0o277], ids=oct)
def test_a_new_home_is_private_under_any_umask(home, umask, mask):
    umask(mask)
    with Workspace.open() as ws:
        ws.runs.start(ones)
        assert ws.artifacts.list()
        ws.log.fork(None, home.parent / "fork")
    Workspace.open(home.parent / "second").close()
    umask(0o022)
    assert modes(home.parent) == {0o700: {"folder"}, 0o600: {"file"}}


def test_an_existing_home_keeps_its_mode_so_that_a_group_can_share_it(home, umask):
    home.mkdir(parents=True)
    home.chmod(0o2770)
    umask(0o002)
    with Workspace.open() as ws:
        ws.runs.start(ones)
    assert stat.S_IMODE(home.stat().st_mode) == 0o2770
    for name in ("log.sqlite", "claims.lock"):
        assert stat.S_IMODE((home / name).stat().st_mode) == 0o664


def test_files_in_a_home_are_not_more_writable_than_the_home(home, umask):
    home.mkdir(parents=True)
    home.chmod(0o755)
    umask(0)
    with Workspace.open() as ws:
        ws.runs.start(ones)
    assert not any(mode & stat.S_IWOTH for mode in modes(home))


def test_a_home_writable_by_others_is_noted(home, cli, monkeypatch):
    monkeypatch.setenv("STACKFOLD_HOME", str(home))
    home.mkdir(parents=True)
    home.chmod(0o777)
    for command in (["status"], ["stack", "list"], ["stack", "copy", "default", "mine"]):
        answer = cli(*command)
        assert answer.code == 0
        assert answer.err == (
            f"note: any user of this machine may write in the home {home}: chmod o-w {home}\n"
        )
    with pytest.warns(HomeWritable):
        Workspace.open().close()
    assert stat.S_IMODE(home.stat().st_mode) == 0o777


# -- where there is none


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"HOME": ""}, "HOME names no folder: set it, or set STACKFOLD_HOME"),
        ({"HOME": "relative"}, "HOME names no folder"),
        ({"STACKFOLD_HOME": "~nobody-of-that-name/home"}, "write the path in full"),
    ],
)
def test_an_undeterminable_home_is_an_error(home, settings, problem, monkeypatch):
    for name in ("STACKFOLD_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    for use in (home_folder, Workspace.open, Workspace.exists):
        with pytest.raises(Unavailable, match=problem):
            use()
    assert not list(Path.cwd().iterdir())


AS_SOMEBODY_UNKNOWN = """
import os, sys, tempfile
import pydantic, eventsourcing, stackfold.infrastructure.workspace
from stackfold.cli.main import run
os.environ.pop("HOME", None)
os.setgroups([])
os.setgid(54321)
os.setuid(54321)
"""
"""Code that turns a process of root into one of a user that the system does not know."""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_unknown_user_has_no_home(home):
    answer = in_a_process(
        "stack",
        "list",
        before=AS_SOMEBODY_UNKNOWN + "os.environ.pop('STACKFOLD_HOME')",
    )
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == (
        "error: the home cannot be used: HOME names no folder: set it, or set STACKFOLD_HOME\n"
    )


# -- where it cannot be used


@pytest.fixture
def nobody():
    """Runs a function as a user without rights, in a fork; returns what it raised, in a line."""
    if os.geteuid() != 0:
        pytest.skip("root can become somebody else, others cannot")

    def nobody(call):
        reading, writing = os.pipe()
        process = os.fork()
        if process == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            told = "nothing was raised"
            try:
                call()
            except StackfoldError as error:
                told = f"{type(error).__name__}: {error}"
            except BaseException as error:
                told = f"another error, {type(error).__name__}: {error}"
            os.write(writing, told.encode())
            os._exit(0)
        os.close(writing)
        os.waitpid(process, 0)
        with open(reading, encoding="utf-8") as answer:
            return answer.read()

    return nobody


def read_only(home: Path) -> None:
    """Let everybody read what is in a home, and nobody write it."""
    for each in (*home.rglob("*"), home):
        each.chmod(0o555 if each.is_dir() else 0o444)
    for each in home.parents:
        each.chmod(each.stat().st_mode | stat.S_IXOTH | stat.S_IROTH)


def test_a_run_in_a_read_only_home_is_an_error(home, nobody):
    with Workspace.open() as ws:
        ws.runs.start(ones)
    read_only(home)
    told = nobody(ones)
    assert told.startswith(f"Unavailable: the home {home} cannot be used: Permission")
    assert "STACKFOLD_HOME" in told
    (home / "claims.lock").unlink()
    assert nobody(ones) == told
    assert nobody(lambda: [*Workspace.open().stacks.list()]) == "nothing was raised"


def test_other_writes_in_a_read_only_home_are_errors(home, nobody, monkeypatch):
    monkeypatch.setenv("STACKFOLD_SECRET_STORE", "file")
    with Workspace.open() as ws:
        ws.log.rebuild()
    read_only(home)
    for change in (
        lambda ws: ws.stacks.copy("default", "mine"),
        lambda ws: ws.secrets.create("x", {"key": "value"}),
        lambda ws: ws.init_project(home.parent),
    ):
        told = nobody(lambda change=change: change(Workspace.open()))
        assert not told.startswith(("another error", "nothing")), told


def test_a_home_that_cannot_be_entered_or_created_is_an_error(home, nobody):
    Workspace.open().close()
    assert nobody(Workspace.open).startswith("LogUnavailable: ")
    assert nobody(lambda: Workspace.open(home / "deeper")).startswith("LogUnavailable: ")


def test_a_claim_that_cannot_be_read_counts_as_claimed(home, nobody):
    home.mkdir(parents=True)
    with FileClaims(home).claim(RUN, "run"):
        pass
    read_only(home)
    (home / "claims.lock").chmod(0o600)

    def look():
        assert FileClaims(home).is_claimed(RUN)

    assert nobody(look) == "nothing was raised"


def test_a_file_in_place_of_a_home_is_an_error(home):
    home.parent.mkdir()
    home.touch()
    with pytest.raises(LogUnavailable, match="cannot be"):
        Workspace.open()
    with pytest.raises(Unavailable), FileClaims(home).claim(RUN, "run"):
        pass


# -- a current folder that was deleted


@pytest.fixture
def nowhere(home, tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()


def test_commands_without_a_folder_work_in_a_deleted_folder(nowhere, cli, tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    os.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    flow = tmp_path / "flow.py"
    flow.write_text(
        "from stackfold import pipeline, step\n"
        "@step\ndef one() -> int:\n    return 1\n"
        "@pipeline\ndef ones():\n    one()\n"
    )
    assert "active_stack" in cli.ok("status")
    assert "completed" in cli.ok("pipeline", "run", "--quiet", str(flow))
    assert "the current folder was deleted" in cli.fails("init")
    assert "the current folder was deleted" in cli.fails("pipeline", "run", "flow.py")
    cli.ok("orchestrator", "register", "apart", "--flavor", "local", "--isolation=process")
    cli.ok("stack", "register", "apart", "-o", "apart", "-a", "default")
    arguments = ["pipeline", "run", "--quiet", "--no-cache", "--stack", "apart", str(flow)]
    assert "completed" in cli.ok(*arguments)


def test_commands_that_need_a_folder_fail_in_a_deleted_folder(nowhere, tmp_path):
    with Workspace.open(tmp_path / "home") as ws:
        for use in (
            ws.init_project,
            ws.trust,
            lambda: ws.pipelines.load("flow.py"),
            lambda: ws.pipelines.load("flow:flow"),
            lambda: ws.init_project("inner"),
        ):
            with pytest.raises(InvalidFile, match="the current folder was deleted"):
                use()
    with pytest.raises(Unavailable, match="relative, and the current folder was deleted"):
        Workspace.open("relative")


# -- streams that were closed


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_commands_work_with_closed_streams(home, closed, tmp_path):
    """The log must not get the number of a stream that a library prints to."""
    program = tmp_path / "program.py"
    program.write_text(
        "import os\n"
        "from stackfold.cli.main import run, _replace_closed_streams\n"
        "_replace_closed_streams()\n"
        "from stackfold import Workspace\n"
        "ws = Workspace.open()\n"
        "os.write(1, b'noise')\n"
        "os.write(2, b'noise')\n"
        "assert ws.log.verify().intact\n"
        "assert run(['stack', 'list']) == 0\n"
        "assert run(['stack', 'copy', 'default', 'mine']) == 0\n"
        "assert run(['stack', 'describe', 'nope']) == 1\n"
        "assert run(['stack', 'delete', 'mine']) == 2\n"
        f"open({str(tmp_path / 'done')!r}, 'w').close()\n"
    )
    subprocess.run(
        f"{sys.executable} {program} {closed}", shell=True, check=True, capture_output=True
    )
    assert (tmp_path / "done").exists()


@pytest.mark.slow
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_steps_can_print_to_closed_streams(home, closed, tmp_path):
    with Workspace.open() as ws:
        ws.components.register("orchestrator", "apart", "local", {"isolation": "process"})
        ws.stacks.register("apart", orchestrator="apart", artifact_store="default")
    program = tmp_path / "program.py"
    program.write_text(
        "import os, warnings\n"
        "from stackfold import pipeline, step\n"
        "@step(enable_cache=False)\n"
        "def one() -> int:\n"
        "    print('noise')\n"
        "    warnings.warn('noise')\n"
        "    return 1\n"
        "@pipeline\n"
        "def ones():\n"
        "    one()\n"
        "if __name__ == '__main__':\n"
        "    assert ones().load('one') == 1\n"
        "    assert ones.run(stack='apart').load('one') == 1\n"
        f"    open({str(tmp_path / 'done')!r}, 'w').close()\n"
    )
    subprocess.run(
        f"{sys.executable} {program} {closed}", shell=True, check=True, capture_output=True
    )
    assert (tmp_path / "done").exists()
    with Workspace.open() as ws:
        assert ws.log.verify().intact
