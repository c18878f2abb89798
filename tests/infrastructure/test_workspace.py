"""The composition root: where the log lives, who acts, and which stack is active where."""

import gc
import json
import os
import pickle
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from replay import assert_consistent, records_of
from workspaces import OPERATOR, STORE, names, stack, store

import stackfold
from stackfold.domain.errors import (
    Conflict,
    InvalidFile,
    LogUnavailable,
    NotFound,
    StackActive,
)
from stackfold.infrastructure.system.author import author
from stackfold.infrastructure.system.home import LOG_FILE
from stackfold.infrastructure.workspace import Workspace


@pytest.fixture(autouse=True)
def environment(tmp_path, monkeypatch):
    """An empty folder that is no project and no repository, and no settings."""
    for name in [name for name in os.environ if name.startswith("STACKFOLD_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("STACKFOLD_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    author.cache_clear()
    yield
    author.cache_clear()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Goes to a new folder."""

    def folder(name):
        path = tmp_path / name
        path.mkdir(parents=True, exist_ok=True)
        monkeypatch.chdir(path)
        return path

    return folder


# -- in memory


def test_a_workspace_in_memory_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = {*tmp_path.rglob("*")}
    with Workspace.in_memory() as ws:
        store(ws, "shared", path="relative")
        assert ws.home.parent == tmp_path
        assert ws.home.is_dir()
    assert {*tmp_path.rglob("*")} == before
    gc.collect()


def test_workspaces_in_memory_know_nothing_of_each_other():
    with Workspace.in_memory() as one, Workspace.in_memory() as other:
        store(one, "shared")
        assert names(other.components.list(STORE)) == ["default"]
        assert one.stacks.get().id != other.stacks.get().id


def test_a_workspace_in_memory_does_not_look_around(monkeypatch, folder):
    folder("project")
    with Workspace.open() as ws:
        ws.init_project()
    monkeypatch.setenv("STACKFOLD_ACTIVE_STACK", "nope")
    with Workspace.in_memory() as ws:
        assert ws.stacks.get().name == "default"


# -- the home


def test_the_first_use_creates_the_log(tmp_path):
    with Workspace.open() as ws:
        assert ws.home == tmp_path / "home"
        assert names(ws.stacks.list()) == ["default"]
        assert assert_consistent(ws) == 4
        assert {record.change for record in records_of(ws._database)} == {1}
    assert [path.name for path in (tmp_path / "home").iterdir()] == [LOG_FILE]


def test_a_second_use_finds_what_the_first_one_left():
    with Workspace.open() as ws:
        first = store(ws, "shared", path="/data")
    with Workspace.open() as ws:
        assert ws.components.get(STORE, "shared") == first


def test_a_home_can_be_given_in_any_way(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for home in ("relative", tmp_path / "absolute", "~/tilde", str(tmp_path / "with space?#%41")):
        with Workspace.open(home) as ws:
            assert ws.home == tmp_path / Path(str(home).replace("~", str(tmp_path)))
            assert (ws.home / LOG_FILE).is_file()


def test_without_a_setting_the_home_is_the_users_data_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("STACKFOLD_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path))
    with Workspace.open() as ws:
        assert ws.home.is_relative_to(tmp_path)
        assert ws.home.name == "stackfold"


def test_other_frameworks_variables_do_not_rewire_the_log(monkeypatch):
    monkeypatch.setenv("PERSISTENCE_MODULE", "eventsourcing.popo")
    monkeypatch.setenv("SQLITE_DBNAME", ":memory:")
    monkeypatch.setenv("COMPRESSOR_TOPIC", "zlib")
    with Workspace.open() as ws:
        store(ws, "shared")
        assert records_of(ws._database)[-1].state.startswith(b"{")
    with Workspace.open() as ws:
        assert ws.components.get(STORE, "shared").revision == 1


def test_a_workspace_shows_its_nouns_and_little_else():
    nouns = {
        "artifacts", "components", "deployments", "flavors", "images", "integrations", "log",
        "model_registries", "models", "pipelines", "policies", "reactions", "runs", "schedules",
        "secrets", "stacks",
    }  # fmt: skip
    verbs = {
        "acting_as",
        "change",
        "component",
        "diagnose",
        "identity",
        "init_project",
        "run",
        "status",
        "trust",
        "undo",
        "untrust",
    }
    own = {"aggregates", "installed_component_types", "query", "repository"}
    following = {"run_projection", "subscribe", "subscribe_async"}
    itself = {
        "actor",
        "close",
        "closed",
        "exists",
        "home",
        "import_log",
        "in_memory",
        "open",
        "store",
    }
    with Workspace.in_memory() as ws:
        assert {
            name for name in dir(ws) if not name.startswith("_")
        } == nouns | verbs | own | following | itself


def test_the_package_shows_its_public_names_only():
    program = "import stackfold; stackfold.Workspace; print(*dir(stackfold))"
    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert shown.stdout.split() == sorted(stackfold.__all__)


def test_public_classes_are_shown_under_their_public_names():
    classes = {name: getattr(stackfold, name) for name in stackfold.__all__}
    classes = {name: each for name, each in classes.items() if isinstance(each, type)}
    assert "FinishedRun" in classes
    for name, each in classes.items():
        assert str(each) in (f"<class 'stackfold.{name}'>", f"<enum '{name}'>")
        assert pickle.loads(pickle.dumps(each)) is each


def test_reading_loads_no_framework():
    with Workspace.open() as ws:
        stack(ws, "prod")
    program = """
import sys
from stackfold.infrastructure.workspace import Workspace
with Workspace.open() as ws:
    ws.stacks.list(); ws.stacks.get("prod"); ws.stacks.get(); ws.stacks.history("prod")
    ws.components.list("artifact_store"); ws.components.get("artifact_store", "default")
    ws.flavors.list("orchestrator"); ws.status(); ws.log.head(); [*ws.log.entries()]
    ws.runs.list(); ws.artifacts.list(); ws.deployments.list()
print(*sorted({name.partition(".")[0] for name in sys.modules} & {"eventsourcing", "pydantic"}))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("obstacle", ["a file", "a folder in its place", "a dangling link"])
def test_what_is_in_the_way_is_told_in_one_line(tmp_path, obstacle):
    home = tmp_path / "home"
    if obstacle == "a file":
        home.write_text("not a folder")
    else:
        home.mkdir()
        if obstacle == "a folder in its place":
            (home / LOG_FILE).mkdir()
        else:
            (home / LOG_FILE).symlink_to(tmp_path / "nowhere")
    with pytest.raises(LogUnavailable) as refusal:
        Workspace.open()
    text = str(refusal.value)
    assert text.startswith(f"the log at {home / LOG_FILE} cannot be ")
    assert "\n" not in text
    left = [path.name for path in home.iterdir()] if home.is_dir() else []
    assert left in ([], [LOG_FILE])


def test_a_name_that_is_too_long_is_told_in_one_line(tmp_path):
    with pytest.raises(LogUnavailable, match="cannot be created: File name too long"):
        Workspace.open(tmp_path / ("x" * 300))


def test_a_folder_that_was_deleted_is_no_obstacle(folder):
    with Workspace.open() as ws:
        store(ws, "shared")
    gone = folder("gone")
    gone.rmdir()
    with Workspace.open() as ws:
        ws.components.rename(STORE, "shared", "common")
        assert ws.components.get(STORE, "common").revision == 2


def test_a_closed_workspace_says_so_in_one_line():
    ws = Workspace.open()
    ws.close()
    ws.close()
    with pytest.raises(LogUnavailable, match="closed"):
        ws.stacks.list()


def test_threads_may_share_a_workspace():
    with Workspace.open() as ws:

        def work(number):
            store(ws, f"s{number}")
            for _ in range(5):
                ws.components.update(STORE, f"s{number}", {"path": os.urandom(4).hex()})
                ws.stacks.list()

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {view.revision for view in ws.components.list(STORE)} == {1, 6}
        assert assert_consistent(ws) == 4 + 4 * 6


# -- which stack is active where


def test_a_project_starts_with_the_globally_active_stack(folder):
    folder("elsewhere")
    with Workspace.open() as ws:
        stack(ws, "prod", activate=True)
        stack(ws, "dev")
    project = folder("project")
    with Workspace.open() as ws:
        assert ws.init_project(why="a new project") == project
        (record,) = records_of(ws._database)[-1:]
        assert record.topic == "activation.registered"
        assert b'"why":"a new project"' in record.state
    with Workspace.open() as ws:
        assert ws.stacks.get().name == "prod"
        assert ws.stacks.activate("dev").active
    folder("project/deep/inside")
    with Workspace.open() as ws:
        assert ws.stacks.get().name == "dev"
        with pytest.raises(Conflict, match="project is already a project"):
            ws.init_project(project)
    folder("elsewhere")
    with Workspace.open() as ws:
        assert ws.stacks.get().name == "prod"
        with pytest.raises(StackActive, match=r"is active \(project [\w-]+\): activate another"):
            ws.stacks.delete("dev")


def test_the_nearest_project_counts(folder):
    for name in ("outer", "outer/inner"):
        folder(name)
        with Workspace.open() as ws:
            ws.init_project()
            stack(ws, name.replace("/", "-"))
        with Workspace.open() as ws:
            ws.stacks.activate(name.replace("/", "-"))
    with Workspace.open() as ws:
        assert ws.stacks.get().name == "outer-inner"
    folder("outer/other")
    with Workspace.open() as ws:
        assert ws.stacks.get().name == "outer"


def test_a_project_that_this_log_does_not_know_follows_the_global_choice(folder):
    project = folder("cloned")
    (project / ".stackfold").mkdir()
    (project / ".stackfold" / "project.json").write_text('{"id": "from-elsewhere"}')
    with Workspace.open() as ws:
        stack(ws, "prod")
        assert ws.stacks.get().name == "default"
        assert ws.stacks.activate("prod").active
    folder("elsewhere")
    with Workspace.open() as ws:
        assert ws.stacks.get().name == "default"


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "null", '{"name": "x"}'])
def test_a_damaged_project_is_told_in_one_line(folder, text):
    project = folder("project")
    (project / ".stackfold").mkdir()
    (project / ".stackfold" / "project.json").write_text(text)
    with pytest.raises(InvalidFile, match=r"project\.json: is damaged: delete it and run"):
        Workspace.open()


def test_the_environment_chooses_by_name_id_or_prefix(monkeypatch):
    with Workspace.open() as ws:
        id = stack(ws, "prod").id
    for reference in ("prod", id, "pr"):
        monkeypatch.setenv("STACKFOLD_ACTIVE_STACK", reference)
        with Workspace.open() as ws:
            assert ws.stacks.get().name == "prod"
            assert ws.components.get(STORE).name == "default"
    monkeypatch.setenv("STACKFOLD_ACTIVE_STACK", "nope")
    with Workspace.open() as ws:
        with pytest.raises(NotFound, match="there is no stack 'nope'"):
            ws.stacks.get()
        assert names(ws.stacks.list()) == ["default", "prod"]
        ws.stacks.activate("prod")
    monkeypatch.setenv("STACKFOLD_ACTIVE_STACK", "")
    with Workspace.open() as ws:
        assert ws.stacks.get().name == "prod"


# -- who acts


def acting():
    author.cache_clear()
    with Workspace.open() as ws:
        ws.components.register(OPERATOR, f"o{len(records_of(ws._database))}", "local")
        return json.loads(records_of(ws._database)[-1].state)["by"]


def test_who_acts_is_the_setting_else_gits_email_else_the_login(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("USER", "bob")
    monkeypatch.setenv("LOGNAME", "bob")
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    login = f"bob@{socket.gethostname()}"
    assert acting() == login

    repository = folder("repository")
    subprocess.run(["git", "init", "-q", repository], check=True)
    assert acting() == login, "a repository without an email says nothing"
    subprocess.run(["git", "config", "user.email", "ada@example.com"], check=True)
    folder("repository/deep/inside")
    assert acting() == "ada@example.com"
    folder("elsewhere")
    assert acting() == login

    folder("repository")
    monkeypatch.setenv("STACKFOLD_ACTOR", "carol")
    assert acting() == "carol"
    monkeypatch.setenv("STACKFOLD_ACTOR", "")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert acting() == login, "without git the login is all there is"
