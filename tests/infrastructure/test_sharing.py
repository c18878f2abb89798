"""A log that several people share: what is everyone's, what is each one's own, and how it moves."""

import json
import os
import subprocess
import sys
import threading
import time
from contextlib import closing

import pytest
from replay import assert_consistent
from workspaces import STORE, concurrently, names, opened, stack, store

from stackfold.domain.errors import (
    ConcurrentModification,
    Conflict,
    Invalid,
    InvalidFile,
    LogExists,
    LogUnavailable,
    NotFound,
    RunBusy,
    StackActive,
)
from stackfold.infrastructure.database.postgres_claims import PostgresClaims
from stackfold.infrastructure.system.author import author
from stackfold.infrastructure.system.database_url import parse_database_url
from stackfold.infrastructure.system.home import LOG_FILE
from stackfold.infrastructure.workspace import Workspace


@pytest.fixture(autouse=True)
def environment(tmp_path, monkeypatch):
    """An empty folder that is no project, and no settings."""
    for name in [name for name in os.environ if name.startswith("STACKFOLD_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("STACKFOLD_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    yield
    author.cache_clear()


@pytest.fixture
def url(postgres):
    with postgres.lent() as url:
        yield url


@pytest.fixture
def as_(url):
    """Opens the shared log as somebody."""
    workspaces = []

    def as_(who, **more):
        workspaces.append(Workspace.open(**{"store": url, "actor": who, **more}))
        return workspaces[-1]

    yield as_
    for workspace in workspaces:
        workspace.close()


# -- whose is what


def test_everybody_sees_what_anybody_registers(as_):
    ada, bob = as_("ada"), as_("bob")
    store(ada, "a")
    assert names(bob.components.list(STORE)) == ["a", "default"]
    stack(bob, "s", artifact_store="a")
    assert ada.stacks.get("s").components["artifact_store"] == ["a"]


def test_each_has_an_active_stack_of_their_own(as_):
    ada, bob = as_("ada"), as_("bob")
    stack(ada, "s", activate=True)
    assert (ada.stacks.get().name, bob.stacks.get().name) == ("s", "default")
    assert (ada.status().chosen_by, bob.status().chosen_by) == ("user", "global")
    with pytest.raises(StackActive, match=r"stack 's' is active \(user ada\): activate another"):
        bob.stacks.delete("s")
    assert ada._services.queries.previous_stack().name == "default"
    ada.stacks.activate("default")
    assert ada._services.queries.previous_stack().name == "s"
    bob.stacks.delete("s")
    with pytest.raises(NotFound, match="no stack was active before"):
        bob._services.queries.previous_stack()


def test_each_actor_of_one_workspace_has_an_active_stack_of_their_own(as_):
    service = as_("service")
    with service.acting_as("ada"):
        stack(service, "s", activate=True)
        assert service.status()[2:4] == ("s", "user")
    with service.acting_as("bob"):
        assert service.status()[2:4] == ("default", "global")
        stack(service, "t", activate=True)
    assert service.stacks.get().name == "default"
    with service.acting_as("ada"):
        assert service.stacks.get().name == "s"
        service.stacks.activate("default")
        assert service.stacks.activate("-").name == "s"
    assert as_("bob").stacks.get().name == "t"


def test_each_has_an_active_stack_of_their_own_in_a_project(as_, tmp_path, monkeypatch, url):
    ada = as_("ada")
    stack(ada, "mine", activate=True)
    stack(ada, "there")
    project = tmp_path / "project"
    project.mkdir()
    assert ada.init_project(project, store=url) == project
    monkeypatch.chdir(project)
    ada, bob = as_("ada", store=None), as_("bob", store=None)
    assert (ada.stacks.get().name, bob.stacks.get().name) == ("mine", "default")
    bob.stacks.activate("there")
    assert (ada.stacks.get().name, bob.stacks.get().name) == ("mine", "there")
    assert bob.status()[1:4] == (str(project), "there", "project")
    monkeypatch.chdir(tmp_path)
    assert as_("bob").stacks.get().name == "default"
    assert as_("ada").stacks.get().name == "mine"


def test_two_who_change_one_component_both_succeed_or_one_is_told_what_changed(as_, url):
    ada = as_("ada")
    store(ada, "a", path="1")
    bob = as_("bob")
    concurrently(bob, lambda: bob.components.update(STORE, "a", labels={"team": "x"}))
    bob.components.update(STORE, "a", {"path": "2"})
    assert bob.components.get(STORE, "a").labels == {"team": "x"}
    with opened(url) as other:
        concurrently(bob, lambda: other.components.update(STORE, "a", {"path": "3"}))
        with pytest.raises(ConcurrentModification, match=r"changed .*path, now revision 4"):
            bob.components.update(STORE, "a", {"path": "4"})
        assert other.components.get(STORE, "a").configuration["path"] == "3"
        assert assert_consistent(other) == 8


def test_who_follows_sees_a_colleagues_change_at_once(as_):
    ada, bob = as_("ada"), as_("bob")
    with closing(ada.log.subscribe(after=4, timeout=20)) as events:
        delays = []
        for number in range(3):
            done = []

            def change(n=number, done=done):
                store(bob, f"s{n}")
                done.append(time.monotonic())

            timer = threading.Timer(0.2, change)
            timer.start()
            assert next(events).position == 5 + number
            seen = time.monotonic()
            timer.join()
            delays.append(seen - done[0])
    assert max(delays) < 1
    assert [*ada.log.subscribe(after=7, timeout=0)] == []


def test_a_run_is_claimed_by_one_wherever_they_are(as_):
    ada, bob = PostgresClaims(as_("ada")._database), PostgresClaims(as_("bob")._database)
    run = "f47ac10b-58cc-4372-a567-0e02b2c3d479"
    assert not bob.is_claimed(run)
    with ada.claim(run, "train"):
        assert bob.is_claimed(run)
        assert not bob.is_claimed("0" * 8 + run[8:])
        with pytest.raises(RunBusy), bob.claim(run, "train"):
            pass
    assert not ada.is_claimed(run)


# -- where it is


def test_the_address_is_the_given_one_else_the_settings_else_the_projects(
    url, postgres, tmp_path, monkeypatch
):
    with postgres.lent() as other:
        with Workspace.open(store=url) as ws:
            ws.init_project(store=url)
            with pytest.raises(Conflict):
                ws.init_project(store=url)
        with Workspace.open() as ws:
            assert ws.status().store == url
        monkeypatch.setenv("STACKFOLD_STORE", other)
        with Workspace.open() as ws:
            assert ws.status().store == other
        with Workspace.open(store=url) as ws:
            assert ws.status().store == url
        with Workspace.open(tmp_path / "own") as ws:
            assert ws.status().store is None
        assert not (tmp_path / "home" / LOG_FILE).exists()
    assert Workspace.exists()


def test_a_project_gets_another_store_and_stays_the_same_project(url, tmp_path):
    with Workspace.open() as ws:
        ws.init_project()
    file = tmp_path / ".stackfold" / "project.json"
    id = json.loads(file.read_text())["id"]
    with Workspace.open(store=url) as ws:
        ws.init_project(store=url)
    assert json.loads(file.read_text()) == {"id": id, "store": url}


@pytest.mark.parametrize(
    "secret",
    [
        "postgresql://ada:planted@db/ml",
        "postgresql://ada:plan%20ted@db/ml",
        "postgresql://ada:pl?anted@db/ml",
        "postgresql://ada:pl#anted@db/ml",
        "postgresql://ada:pl/anted@db/ml",
        "postgresql://db/ml?user=ada&password=planted",
        "postgresql://db/ml?pass%77ord=planted",
        "postgresql://db/ml?sslpassword=planted",
        "postgresql://ada:planted@[/ml",
        "mysql://ada:planted@db/ml",
        "ada:planted@db/ml",
    ],
)
def test_an_address_with_a_password_is_refused_and_not_repeated(secret, monkeypatch, tmp_path):
    monkeypatch.setenv("STACKFOLD_STORE", secret)
    for command in (Workspace.open, lambda: Workspace.open(store=secret)):
        with pytest.raises(
            Invalid, match=r"leave it out|without a password|write postgresql"
        ) as no:
            command()
        assert "anted" not in str(no.value)
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql://ada@db.example.com/ml", "postgresql://ada@db.example.com/ml"),
        ("postgres://db:5433/ml?sslmode=require", "postgresql://db:5433/ml"),
        ("postgresql:///?service=ml", "postgresql:///"),
        ("postgresql://ada@h1:1,h2/ml", "postgresql://ada@h1:1,h2/ml"),
        ("postgresql://ada@[::1]:5432/ml", "postgresql://ada@[::1]:5432/ml"),
        ("postgresql:///ml?user=ada@example.com", "postgresql:///ml"),
    ],
)
def test_other_addresses_are_taken(url, place):
    parsed = parse_database_url(url)
    assert (parsed.url, parsed.location) == (url, place)


def test_without_the_driver_one_line_says_what_to_install(monkeypatch):
    for name in [name for name in sys.modules if "psycopg" in name or "postgres" in name]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(LogUnavailable, match=r"pip install 'stackfold\[postgres\]'$"):
        Workspace.open(store="postgresql://db/ml")


def test_reading_a_file_loads_no_driver_and_reading_a_server_no_framework(url):
    program = """
import sys
from stackfold.infrastructure.workspace import Workspace
with Workspace.open() as ws:
    ws.stacks.list(); ws.stacks.get(); ws.status(); ws.flavors.list("orchestrator")
loaded = {name.partition(".")[0] for name in sys.modules}
print(*sorted(loaded & {"eventsourcing", "pydantic", "psycopg"}))
"""
    for where, loaded in (({}, ""), ({"STACKFOLD_STORE": url}, "psycopg")):
        Workspace.open(store=where.get("STACKFOLD_STORE")).close()
        done = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, **where},
        )
        assert done.stdout.strip() == loaded


# -- moving


def test_a_log_moves_there_and_back_with_the_same_head(url, tmp_path):
    with Workspace.open() as ws:
        store(ws, "größe", path="x")
        stack(ws, "s", artifact_store="größe", description="a\0b", activate=True)
        ws.components.update(STORE, "größe", {"path": "y"}, why="because")
        head = ws.log.export(tmp_path / "there.jsonl")
    assert Workspace.import_log(tmp_path / "there.jsonl", store=url) == head
    with Workspace.open(store=url) as ws:
        assert ws.log.head() == head
        assert ws.log.verify(str(head)).intact
        assert ws.stacks.get().name == "s"
        assert ws.log.export(tmp_path / "back.jsonl") == head
        ws.log.fork(None, tmp_path / "forked")
    assert (tmp_path / "there.jsonl").read_bytes() == (tmp_path / "back.jsonl").read_bytes()
    Workspace.import_log(tmp_path / "back.jsonl", tmp_path / "again")
    for home in ("again", "forked"):
        with Workspace.open(tmp_path / home) as ws:
            assert ws.log.head() == head
            assert ws.log.verify(str(head)).intact


def test_a_log_is_not_imported_over_another_and_a_damaged_one_leaves_nothing(url, tmp_path):
    file = tmp_path / "log.jsonl"
    with Workspace.open() as ws:
        for number in range(20):
            store(ws, f"s{number}")
        ws.log.export(file)
    lines = file.read_text().splitlines(keepends=True)
    (tmp_path / "cut.jsonl").write_text("".join(lines[:15]))
    with pytest.raises(InvalidFile, match="was cut off after #14"):
        Workspace.import_log(tmp_path / "cut.jsonl", store=url)
    Workspace.import_log(file, store=url)
    with pytest.raises(LogExists):
        Workspace.import_log(file, store=url)
    assert (tmp_path / "home" / LOG_FILE).exists()
