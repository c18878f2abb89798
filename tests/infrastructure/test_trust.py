"""Only projects of the user or of root are used, and those that are trusted."""

import json
import os
import socket
import stat
from contextlib import contextmanager
from pathlib import Path

import pytest
from command_line import CommandLine, as_nobody

from stackfold.cli import completion
from stackfold.domain.errors import Invalid, InvalidFile, NotFound, UntrustedProject, UntrustedStore
from stackfold.infrastructure.system.code_folder import code_folder
from stackfold.infrastructure.system.home import LOG_FILE, find_project
from stackfold.infrastructure.workspace import Workspace

SOMEBODY, SOMEBODY_ELSE = 4711, 4712

needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can give files to somebody else"
)


@pytest.fixture
def cli(capsys):
    return CommandLine(capsys)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A project in the current folder, and a home that has not seen it."""
    for name in [name for name in os.environ if name.startswith(("STACKFOLD_", "SUDO_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("STACKFOLD_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STACKFOLD_ACTOR", "ada@example.com")
    folder = tmp_path / "project"
    write_project(folder)
    monkeypatch.chdir(folder)
    return folder


def write_project(folder: Path, **content: str) -> None:
    (folder / ".stackfold").mkdir(parents=True, exist_ok=True)
    (folder / ".stackfold" / "project.json").write_text(json.dumps({"id": "p", **content}))


def give(folder: Path, owner: int, *parts: str) -> None:
    """Let parts of a project belong to somebody; all of it, if none is named."""
    for part in parts or (".", ".stackfold", ".stackfold/project.json"):
        os.chown(folder / part, owner, owner)


def let_everybody_in(path: Path) -> None:
    """Let everybody read a path, and reach it."""
    for each in (path, *path.parents):
        if not each.stat().st_mode & stat.S_IROTH:
            each.chmod(each.stat().st_mode | stat.S_IXOTH | stat.S_IROTH)


@contextmanager
def server():
    """An address of a log, and the connections that were made to it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)

        def was_contacted() -> bool:
            try:
                listening.accept()[0].close()
            except BlockingIOError:
                return False
            return True

        yield f"postgresql://ada@127.0.0.1:{listening.getsockname()[1]}/ml", was_contacted


# -- whose it is


def test_a_project_of_the_user_is_used(folder):
    assert find_project() == (folder, "p", None)


@needs_root
@pytest.mark.parametrize(
    "parts",
    [(), (".",), (".stackfold",), (".stackfold/project.json",)],
    ids=["all of it", "the folder", "the inner folder", "the file"],
)
def test_a_project_of_another_user_is_rejected_and_never_skipped(folder, parts, tmp_path):
    write_project(tmp_path)  # a project of one's own above it must not take its place
    give(folder, SOMEBODY, *parts)
    with pytest.raises(UntrustedProject, match=f"user with the id {SOMEBODY}.*trust its folder"):
        Workspace.open()
    assert not (tmp_path / "home").exists()


@needs_root
def test_the_owner_of_a_link_must_be_trusted(folder, tmp_path):
    other = tmp_path / "other"
    write_project(other)
    (folder / ".stackfold" / "project.json").unlink()
    (folder / ".stackfold" / "project.json").symlink_to(other / ".stackfold" / "project.json")
    assert find_project() == (folder, "p", None)
    os.chown(folder / ".stackfold" / "project.json", SOMEBODY, -1, follow_symlinks=False)
    with pytest.raises(UntrustedProject):
        find_project()


@needs_root
def test_the_owner_of_the_target_of_a_link_must_be_trusted(folder, tmp_path):
    other = tmp_path / "other"
    write_project(other)
    give(other, SOMEBODY, ".stackfold")
    (folder / ".stackfold" / "project.json").unlink()
    (folder / ".stackfold").rmdir()
    (folder / ".stackfold").symlink_to(other / ".stackfold")
    with pytest.raises(UntrustedProject):
        find_project()


@needs_root
def test_with_sudo_projects_of_the_user_who_ran_it_are_used(folder, monkeypatch):
    give(folder, SOMEBODY)
    monkeypatch.setenv("SUDO_UID", str(SOMEBODY_ELSE))
    with pytest.raises(UntrustedProject):
        find_project()
    monkeypatch.setenv("SUDO_UID", str(SOMEBODY))
    assert find_project() == (folder, "p", None)


@needs_root
def test_a_project_of_root_is_used_by_all_users(cli, folder, tmp_path):
    let_everybody_in(tmp_path)
    cli.ok("stack", "get")
    let_everybody_in(tmp_path / "home" / LOG_FILE)
    assert as_nobody("stack", "get").out == "default\n"
    give(folder, SOMEBODY)
    refused = as_nobody("stack", "get")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith(f"error: the project in {folder} is not yours")


def test_a_file_that_others_may_write_is_not_trusted(folder):
    (folder / ".stackfold" / "project.json").chmod(0o666)
    with pytest.raises(UntrustedProject, match="others may write its project file"):
        find_project()


def test_init_creates_a_trusted_project_under_any_umask(folder, tmp_path):
    inner = folder / "inner"
    inner.mkdir()
    before = os.umask(0)
    try:
        with Workspace.open() as ws:
            made = ws.init_project(inner)
    finally:
        os.umask(before)
    assert find_project(made).folder == made


@needs_root
def test_a_project_created_in_a_folder_of_another_user_is_trusted(folder, tmp_path):
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    os.chown(mounted, SOMEBODY, SOMEBODY)
    with Workspace.open() as ws:
        ws.init_project(mounted)
    assert find_project(mounted).folder == mounted


@needs_root
def test_a_project_that_cannot_be_read_is_not_skipped(folder, tmp_path):
    let_everybody_in(tmp_path)
    give(folder, SOMEBODY)
    (folder / ".stackfold").chmod(0o700)
    refused = as_nobody("stack", "list")
    assert (refused.code, refused.out) == (1, "")
    assert "project.json: cannot be read" in refused.err


def test_a_pipe_in_place_of_the_file_is_not_waited_for(folder):
    (folder / ".stackfold" / "project.json").unlink()
    os.mkfifo(folder / ".stackfold" / "project.json")
    with pytest.raises(InvalidFile, match="is not a file"):
        find_project()


# -- every command


@needs_root
@pytest.mark.parametrize(
    "command",
    [
        "status",
        "stack list",
        "stack get",
        "stack set default",
        "stack check",
        "orchestrator register o --flavor local",
        "artifact-store flavor list",
        "artifact-store flavor register evil.Evil",
        "pipeline run evil.py",
        "pipeline build evil.py",
        "run list",
        "artifact list",
        "deployment list",
        "secret list",
        "integration list",
        "log",
        "log head",
        "log verify",
        "log export out.jsonl",
        "log import in.jsonl",
        "undo",
        "init inner",
    ],
)
def test_every_command_rejects_an_untrusted_project_and_its_code(cli, folder, command, tmp_path):
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'executed')!r}, 'w')")
    give(folder, SOMEBODY)
    assert cli.fails(*command.split()).startswith(f"the project in {folder} is not yours")
    assert not (tmp_path / "executed").exists()
    assert not (tmp_path / "home" / LOG_FILE).exists()


@needs_root
def test_completion_and_images_ignore_an_untrusted_project(folder, tmp_path):
    with Workspace.open():
        assert completion.stacks("") == ["default"]
    give(folder, SOMEBODY)
    assert completion.stacks("") == []
    (folder / "flow.py").touch()
    with pytest.raises(UntrustedProject):
        code_folder(f"{folder / 'flow.py'}:flow")


# -- trusting it


@needs_root
def test_a_folder_is_trusted_only_by_the_home_that_trusted_it(cli, folder, tmp_path, monkeypatch):
    give(folder, SOMEBODY)
    (folder / "deep").mkdir()
    assert cli.ok("trust", "deep") == f"the project in {folder} is trusted\n"
    assert cli.ok("stack", "get") == "default\n"
    with Workspace.open() as ws:
        assert ws.status().project == str(folder)
    monkeypatch.setenv("STACKFOLD_HOME", str(tmp_path / "another"))
    assert "is not yours" in cli.fails("stack", "get")
    with Workspace.open(tmp_path / "home") as ws:
        assert ws.status().project == str(folder)


@needs_root
def test_a_project_is_refused_again_once_its_trust_is_revoked(cli, folder):
    give(folder, SOMEBODY)
    cli.ok("trust")
    assert cli.ok("untrust") == f"the project in {folder} is no longer trusted\n"
    with pytest.raises(UntrustedProject):
        Workspace.open()


def test_a_deleted_project_can_be_revoked_by_its_folder(cli, folder, tmp_path):
    cli.ok("trust")
    (folder / ".stackfold" / "project.json").unlink()
    cli.ok("untrust", str(folder))
    assert json.loads((tmp_path / "home" / "trusted.json").read_text())["folders"] == []


def test_a_damaged_project_can_be_revoked(cli, folder, tmp_path):
    cli.ok("trust")
    (folder / ".stackfold" / "project.json").write_text("{")
    cli.ok("untrust")
    assert json.loads((tmp_path / "home" / "trusted.json").read_text())["folders"] == []


def test_revoking_one_project_leaves_the_others(cli, folder, tmp_path):
    write_project(tmp_path / "other")
    cli.ok("trust")
    cli.ok("trust", str(tmp_path / "other"))
    cli.ok("untrust")
    trusted = json.loads((tmp_path / "home" / "trusted.json").read_text())
    assert trusted["folders"] == [str(tmp_path / "other")]


def test_a_project_that_is_not_trusted_cannot_be_revoked(cli, folder):
    assert f"there is no trusted project '{folder}'" in cli.fails("untrust")


@needs_root
def test_an_environment_can_trust_folders_by_their_absolute_paths(folder, tmp_path, monkeypatch):
    give(folder, SOMEBODY)
    link = tmp_path / "link"
    link.symlink_to(folder)
    for folders in ("", ".", "/elsewhere", str(tmp_path)):
        monkeypatch.setenv("STACKFOLD_TRUST", folders)
        with pytest.raises(UntrustedProject):
            find_project()
    for folders in (str(folder), f"/elsewhere:{folder}", str(link)):
        monkeypatch.setenv("STACKFOLD_TRUST", folders)
        assert find_project() == (folder, "p", None)


def test_where_there_is_no_project_there_is_nothing_to_trust(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "there is no project" in cli.fails("trust")
    with pytest.raises(NotFound, match="there is no project"):
        Workspace.trust()


def test_a_damaged_list_of_trusted_projects_is_reported(cli, folder, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "trusted.json").write_text("[")
    assert "trusted.json: is damaged" in cli.fails("trust")


# -- the log that it names


@pytest.mark.parametrize("command", ["status", "stack list", "run list", "log import in.jsonl"])
def test_the_log_that_a_clone_names_is_not_contacted(cli, folder, command):
    with server() as (url, was_contacted):
        write_project(folder, store=url)
        told = cli.fails(*command.split())
        assert f"names the log at {url}" in told
        assert f"stackfold trust {folder}" in told
        completion.stacks("")
        with pytest.raises(UntrustedStore):
            Workspace.open()
        assert not was_contacted()


def test_an_environment_that_trusts_the_folder_does_not_trust_the_log(folder, monkeypatch):
    monkeypatch.setenv("STACKFOLD_TRUST", str(folder))
    with server() as (url, was_contacted):
        write_project(folder, store=url)
        with pytest.raises(UntrustedStore):
            Workspace.open()
        assert not was_contacted()


def test_a_password_in_the_url_is_rejected_and_not_shown(cli, folder):
    write_project(folder, store="postgresql://ada:open-sesame@localhost/ml")
    for command in (["status"], ["trust"]):
        told = cli.fails(*command)
        assert "holds a password" in told
        assert "sesame" not in told
    with pytest.raises(Invalid):
        Workspace.trust()


def test_a_log_that_the_user_names_is_opened_without_reading_the_project(folder, tmp_path):
    write_project(folder, store="postgresql://nowhere.example.com/ml")
    with Workspace.open(tmp_path / "own") as ws:
        assert ws.status().store is None


def test_a_trusted_log_is_used_until_the_project_names_another(cli, folder, postgres, tmp_path):
    with postgres.lent() as url, postgres.lent() as other:
        write_project(folder, store=url)
        assert cli.ok("trust") == f"the project in {folder} is trusted, and the log at {url}\n"
        with Workspace.open() as ws:
            assert ws.status().store == url
        write_project(folder, store=other)
        with pytest.raises(UntrustedStore, match=other):
            Workspace.open()
        write_project(tmp_path / "second clone", store=url)
        os.chdir(tmp_path / "second clone")
        with Workspace.open() as ws:
            assert ws.status().store == url


def test_the_log_is_not_contacted_once_its_trust_is_revoked(cli, folder):
    with server() as (url, was_contacted):
        write_project(folder, store=url)
        cli.ok("trust")
        expected = f"the project in {folder} is no longer trusted, nor is the log at {url}\n"
        assert cli.ok("untrust") == expected
        with pytest.raises(UntrustedStore):
            Workspace.open()
        assert not was_contacted()


def test_a_log_that_a_user_names_is_trusted(folder, postgres, monkeypatch, tmp_path):
    with postgres.lent() as url:
        write_project(folder, store=url)
        monkeypatch.setenv("STACKFOLD_STORE", url)
        with Workspace.open() as ws:
            assert ws.status().store == url
        monkeypatch.delenv("STACKFOLD_STORE")
        with pytest.raises(UntrustedStore):
            Workspace.open()
        (folder / ".stackfold" / "project.json").unlink()
        with Workspace.open(store=url) as ws:
            ws.init_project(store=url)
        with Workspace.open() as ws:
            assert ws.status().store == url
