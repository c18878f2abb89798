"""Bad inputs to the public interface: each raises a StackfoldError, and loses nothing."""

import contextlib
import os
import sqlite3
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from stackfold import ComponentType, Workspace, pipeline, step
from stackfold.application.listing.listing import Condition, Listing
from stackfold.errors import Invalid, LogUnavailable, StackfoldError
from stackfold.eventsourcing import Projection

STORE = ComponentType.ARTIFACT_STORE
LONG = "x" * 1_000_000
LONE = "a\ud800b"
NUL = "a\0b"


@step
def double(x: int) -> int:
    return 2 * x


@pipeline
def doubling(x: int = 1):
    double(x)


class Nothing(Projection):
    name = "nothing"

    def create(self, change):
        pass

    def apply(self, event, change):
        pass


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A workspace with a stack, a run and an artifact."""
    with Workspace.open(tmp_path_factory.mktemp("bad") / "home", actor="ada") as ws:
        ws.stacks.register("prod", orchestrator=["default"], artifact_store=["default"])
        ws.run(doubling, 1)
        yield ws


def register(ws, name="mine", **more):
    ws.stacks.register(name, **{"orchestrator": ["default"], "artifact_store": ["default"], **more})


def change(ws, **options):
    with ws.change(**options):
        pass


BAD = {
    # -- lists
    "page 0": lambda ws: ws.stacks.list(Listing(page=0, size=10)),
    "negative page": lambda ws: ws.stacks.list(Listing(page=-1, size=10)),
    "huge page": lambda ws: ws.stacks.list(Listing(page=2**63, size=2)),
    "bool page": lambda ws: ws.stacks.list(Listing(page=True, size=10)),
    "negative size": lambda ws: ws.stacks.list(Listing(size=-5)),
    "size 0": lambda ws: ws.stacks.list(Listing(size=0)),
    "huge size": lambda ws: ws.stacks.list(Listing(size=10**30)),
    "NaN size": lambda ws: ws.stacks.list(Listing(size=float("nan"))),
    "text size": lambda ws: ws.runs.list(Listing(size="10", sort_by="name")),
    "negative page of runs": lambda ws: ws.runs.list(Listing(page=-1, size=10)),
    "negative page of artifacts": lambda ws: ws.artifacts.list(Listing(page=-1, size=10)),
    "negative page of components": lambda ws: ws.components.list(STORE, Listing(page=-1, size=1)),
    "negative page of flavors": lambda ws: ws.flavors.list(STORE, Listing(page=-1, size=1)),
    "negative page of secrets": lambda ws: ws.secrets.list(Listing(page=-1, size=1)),
    "unknown column": lambda ws: ws.stacks.list(Listing(sort_by="nothing")),
    "SQL as column": lambda ws: ws.stacks.list(Listing(sort_by="name; DROP TABLE events")),
    "column of another type": lambda ws: ws.stacks.list(Listing(sort_by=1)),
    "unknown operator": lambda ws: ws.stacks.list(Listing((Condition("name", "like", "a"),))),
    "unknown operator of flavors": lambda ws: ws.flavors.list(
        STORE, Listing((Condition("name", "like", "a"),))
    ),
    "condition with a number": lambda ws: ws.stacks.list(
        Listing((Condition("name", "contains", 5),))
    ),
    "condition of two": lambda ws: ws.stacks.list(Listing((("name", "equals"),))),
    "condition with a lone surrogate": lambda ws: ws.stacks.list(
        Listing((Condition("name", "equals", LONE),))
    ),
    "labels that are no pairs": lambda ws: ws.stacks.list(Listing(labels=("team",))),
    "listing of another type": lambda ws: ws.stacks.list(10),
    "since of another type": lambda ws: ws.runs.list(Listing(sort_by="name", since=object())),
    # -- references
    "reference of another type": lambda ws: ws.stacks.get(5),
    "reference with NUL": lambda ws: ws.stacks.get(NUL),
    "reference with a lone surrogate": lambda ws: ws.stacks.get(LONE),
    "reference of 1 MB": lambda ws: ws.stacks.get(LONG),
    "bytes as reference": lambda ws: ws.stacks.get(b"prod"),
    "run of another type": lambda ws: ws.runs.get(1.5),
    "run with a lone surrogate": lambda ws: ws.runs.get(LONE),
    "logs of another type": lambda ws: [*ws.runs.logs([])],
    "artifact of another type": lambda ws: ws.artifacts.get(None),
    "artifact with a lone surrogate": lambda ws: ws.artifacts.load(LONE),
    "artifact of version -1": lambda ws: ws.artifacts.get("double:-1"),
    "artifact of a huge version": lambda ws: ws.artifacts.get(f"double:{10**40}"),
    "lineage of another type": lambda ws: ws.artifacts.lineage(7),
    "secret with NUL": lambda ws: ws.secrets.get(NUL),
    "secret of another type": lambda ws: ws.secrets.get(3),
    "deployment of another type": lambda ws: ws.deployments.get(3),
    "unknown component type": lambda ws: ws.components.list("nothing"),
    "number as component type": lambda ws: ws.components.get(5, "a"),
    "list as component type": lambda ws: ws.components.get(["alerter"], "a"),
    "component of an unknown type": lambda ws: ws.components.register("nothing", "a", "local"),
    "flavors of a number": lambda ws: ws.flavors.list(5),
    "flavor of an unknown type": lambda ws: ws.flavors.register("nothing", "a:B"),
    "stack with an unknown type": lambda ws: register(ws, nothing=["a"]),
    "declared type that is a number": lambda ws: ComponentType(5),
    # -- points in the past
    "as of a negative position": lambda ws: ws.stacks.list(as_of=-1),
    "as of a huge position": lambda ws: ws.stacks.list(as_of=2**70),
    "as of a bool": lambda ws: ws.stacks.list(as_of=True),
    "as of NaN": lambda ws: ws.stacks.list(as_of=float("nan")),
    "as of bytes": lambda ws: ws.stacks.list(as_of=b"2026-01-01"),
    "as of the year 1": lambda ws: ws.stacks.list(as_of=datetime(1, 1, 1)),  # noqa: DTZ001
    "as of NUL": lambda ws: ws.stacks.list(as_of=NUL),
    "as of a run that is none": lambda ws: ws.stacks.list(as_of="run:" + LONE),
    "revision 0": lambda ws: ws.stacks.revert("prod", 0),
    "revision of another type": lambda ws: ws.stacks.revert("prod", "1"),
    "bool as revision": lambda ws: ws.stacks.revert("prod", True),
    "huge revision": lambda ws: ws.stacks.revert("prod", 10**30),
    "negative limit of a history": lambda ws: ws.stacks.history("prod", limit=-1),
    "huge limit of a history": lambda ws: ws.stacks.history("prod", limit=2**70),
    "diff of one revision": lambda ws: ws.stacks.diff("prod", revisions=(1,)),
    # -- commands
    "empty name": lambda ws: register(ws, ""),
    "name of 1 MB": lambda ws: register(ws, LONG),
    "name with NUL": lambda ws: register(ws, NUL),
    "name with a lone surrogate": lambda ws: register(ws, LONE),
    "name of another type": lambda ws: register(ws, 5),
    "bytes as name": lambda ws: register(ws, b"mine"),
    "description of another type": lambda ws: register(ws, description=5),
    "description with a lone surrogate": lambda ws: register(ws, description=LONE),
    "description of 1 MB": lambda ws: register(ws, description=LONG),
    "labels of another type": lambda ws: register(ws, labels=["team"]),
    "label of another type": lambda ws: register(ws, labels={"team": 5}),
    "label with a lone surrogate": lambda ws: register(ws, labels={"team": LONE}),
    "label named by a number": lambda ws: register(ws, labels={1: "a"}),
    "reason of another type": lambda ws: register(ws, why=5),
    "reason with a lone surrogate": lambda ws: register(ws, why=LONE),
    "reason of 1 MB": lambda ws: register(ws, why=LONG),
    "component of another type": lambda ws: register(ws, orchestrator=[5]),
    "components of another type": lambda ws: register(ws, orchestrator=5),
    "unknown component": lambda ws: register(ws, orchestrator=["nothing"]),
    "expected revision of another type": lambda ws: ws.stacks.rename(
        "prod", "p", expected_revision="1"
    ),
    "bool as expected revision": lambda ws: ws.stacks.rename("prod", "p", expected_revision=True),
    "negative expected revision": lambda ws: ws.stacks.rename("prod", "p", expected_revision=-1),
    "expected position of another type": lambda ws: ws.undo(expected_position="5"),
    "negative expected position": lambda ws: ws.undo(expected_position=-1),
    "configuration of another type": lambda ws: ws.components.register(STORE, "s", "local", ["a"]),
    "configuration with NaN": lambda ws: ws.components.register(
        STORE, "s", "local", {"path": float("nan")}
    ),
    "configuration with a lone surrogate": lambda ws: ws.components.register(
        STORE, "s", "local", {"path": LONE}
    ),
    "configuration with NUL": lambda ws: ws.components.register(STORE, "s", "local", {"path": 5}),
    "flavor of another type": lambda ws: ws.components.register(STORE, "s", 5),
    "source of a flavor": lambda ws: ws.flavors.register(STORE, 5),
    "secret value of another type": lambda ws: ws.secrets.create("s", {"a": 5}),
    "secret without values": lambda ws: ws.secrets.create("s", {}),
    "tag of another type": lambda ws: ws.runs.tag(ws.runs.list()[0].id, [5]),
    "tags as one text": lambda ws: ws.runs.tag(ws.runs.list()[0].id, [LONE]),
    "metadata with a lone surrogate": lambda ws: ws.runs.log_metadata(
        ws.runs.list()[0].id, {"a": LONE}
    ),
    "metadata of another type": lambda ws: ws.runs.log_metadata(ws.runs.list()[0].id, [1]),
    "metadata that is no value": lambda ws: ws.runs.log_metadata(
        ws.runs.list()[0].id, {"a": object()}
    ),
    "prune with negative grace": lambda ws: ws.artifacts.prune(grace=timedelta(-1)),
    "prune with a number": lambda ws: ws.artifacts.prune(grace=5),
    "parameters of another type": lambda ws: ws.runs.start(doubling, ["x"]),
    "parameter of another type": lambda ws: ws.runs.start(doubling, {"x": object()}),
    "pipeline of another type": lambda ws: ws.runs.start(print),
    "stack of another type": lambda ws: ws.runs.start(doubling, stack=5),
    # -- changes
    "change of NaN seconds": lambda ws: change(ws, timeout=float("nan")),
    "change of no time": lambda ws: change(ws, timeout=0),
    "change with a text as time": lambda ws: change(ws, timeout="10"),
    "change with a reason of another type": lambda ws: change(ws, why=5),
    "actor of another type": lambda ws: ws.acting_as(5).__enter__(),
    "actor with a lone surrogate": lambda ws: ws.acting_as(LONE).__enter__(),
    "actor of 1 MB": lambda ws: ws.acting_as(LONG).__enter__(),
    "correlation id of another type": lambda ws: ws.acting_as("a", correlation_id=5).__enter__(),
    # -- the log
    "events after a text": lambda ws: [*ws.log.events(after="5")],
    "events after -1": lambda ws: [*ws.log.events(after=-1)],
    "events up to -1": lambda ws: [*ws.log.events(upto=-1)],
    "events up to a huge position": lambda ws: [*ws.log.events(upto=2**70)],
    "events after a huge position": lambda ws: [*ws.log.events(after=2**70)],
    "events up to a bool": lambda ws: [*ws.log.events(upto=True)],
    "entries with a negative limit": lambda ws: [*ws.log.entries(limit=-1)],
    "entries with a huge limit": lambda ws: [*ws.log.entries(limit=2**70)],
    "entries by a number": lambda ws: [*ws.log.entries(by=5)],
    "entries by a lone surrogate": lambda ws: [*ws.log.entries(by=LONE)],
    "entries of an unknown kind": lambda ws: [*ws.log.entries(kind=5)],
    "deleted of another type": lambda ws: ws.log.deleted(5),
    "deleted of an unknown kind": lambda ws: ws.log.deleted("nothing"),
    "deleted of an unknown component type": lambda ws: ws.log.deleted("component", "nothing"),
    "head of another form": lambda ws: ws.log.verify("5"),
    "head of another type": lambda ws: ws.log.verify(5),
    "head with letters that are no hash": lambda ws: ws.log.verify("1:" + "z" * 64),
    "subscribe after a text": lambda ws: ws.subscribe("5"),
    "subscribe after -1": lambda ws: ws.subscribe(-1),
    "subscribe after a bool": lambda ws: ws.subscribe(True),
    "subscribe after more than there is": lambda ws: ws.subscribe(10**6),
    "subscribe to one text": lambda ws: ws.subscribe(topics="stack.updated"),
    "subscribe with a negative time": lambda ws: ws.subscribe(timeout=-1),
    "subscribe with NaN": lambda ws: ws.subscribe(timeout=float("nan")),
    "subscribe to a lone surrogate": lambda ws: ws.subscribe(topics=[LONE]),
    "projection of another type": lambda ws: ws.run_projection(object(), timeout=0),
    "projection into a number": lambda ws: ws.run_projection(Nothing(), 5, timeout=0),
    "projection into a folder": lambda ws: ws.run_projection(Nothing(), ws.home, timeout=0),
    "projection into a path with NUL": lambda ws: ws.run_projection(Nothing(), NUL, timeout=0),
    "projection into bytes": lambda ws: ws.run_projection(Nothing(), os.fsencode("\udcff\0")),
    "projection with batches of 0": lambda ws: ws.run_projection(Nothing(), timeout=0, batch=0),
    "projection that cannot be dropped": lambda ws: ws.run_projection(
        Nothing(), timeout=0, rebuild=True
    ),
    # -- files
    "export to a folder": lambda ws: ws.log.export(ws.home),
    "export to a number": lambda ws: ws.log.export(5),
    "export to a missing folder": lambda ws: ws.log.export(ws.home / "no" / "file"),
    "export to NUL": lambda ws: ws.log.export(Path(NUL)),
    "export to a lone surrogate": lambda ws: ws.log.export(Path(LONE)),
    "export to a name of 1 MB": lambda ws: ws.log.export(Path(LONG)),
    "fork over a file": lambda ws: ws.log.fork(None, ws.home / "log.sqlite"),
    "fork to NUL": lambda ws: ws.log.fork(None, Path(NUL)),
    "fork to a number": lambda ws: ws.log.fork(None, 5),
    "fork at a bool": lambda ws: ws.log.fork(True, ws.home / "copy"),
    "import of a folder": lambda ws: Workspace.import_log(ws.home, ws.home / "copy"),
    "import of nothing": lambda ws: Workspace.import_log(ws.home / "no", ws.home / "copy"),
    "import of NUL": lambda ws: Workspace.import_log(NUL, ws.home / "copy"),
    "import of a number": lambda ws: Workspace.import_log(5, ws.home / "copy"),
    "schemas into a file": lambda ws: ws.log.write_schemas(ws.home / "log.sqlite"),
    "schemas into NUL": lambda ws: ws.log.write_schemas(Path(NUL)),
    # -- opening
    "home with NUL": lambda ws: Workspace.open(NUL),
    "home of another type": lambda ws: Workspace.open(5),
    "home of 1 MB": lambda ws: Workspace.open(LONG),
    "home with a lone surrogate": lambda ws: Workspace.open(ws.home / LONE),
    "home that is a file": lambda ws: Workspace.open(ws.home / "log.sqlite"),
    "store of another type": lambda ws: Workspace.open(store=5),
    "store that is no address": lambda ws: Workspace.open(store="db.example.com"),
    "store with a lone surrogate": lambda ws: Workspace.open(store="postgresql://a/" + LONE),
    "store with NUL": lambda ws: Workspace.open(store="postgresql://a/" + NUL),
    "store with a bad port": lambda ws: Workspace.open(store="postgresql://a:99999999/b"),
    "store with a password": lambda ws: Workspace.open(store="postgresql://a:pass@b/c"),
    "actor to open": lambda ws: Workspace.in_memory(actor=5),
    "projections of another type": lambda ws: Workspace.in_memory(projections=[5]),
    "projections that are none": lambda ws: Workspace.in_memory(projections=5),
    "project in a file": lambda ws: ws.init_project(ws.home / "log.sqlite"),
    "project in NUL": lambda ws: ws.init_project(NUL),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_bad_inputs_are_rejected_in_one_line(home, bad):
    before = home.log.head()
    with pytest.raises(StackfoldError) as caught:
        bad(home)
    text = str(caught.value)
    assert text
    assert "\n" not in text
    assert len(text) < 2000
    assert home.log.head() == before
    assert [stack.name for stack in home.stacks.list()] == ["default", "prod"]


CLOSED = {
    "list": lambda ws: ws.stacks.list(),
    "register": register,
    "change": change,
    "head": lambda ws: ws.log.head(),
    "events": lambda ws: [*ws.log.events()],
    "subscribe": lambda ws: next(ws.subscribe()),
    "undo": lambda ws: ws.undo(),
    "run": lambda ws: ws.run(doubling, 1),
    "artifacts": lambda ws: ws.artifacts.list(),
    "verify": lambda ws: ws.log.verify(),
}


@pytest.mark.parametrize("use", CLOSED.values(), ids=CLOSED)
@pytest.mark.parametrize("where", ["in a file", "in memory"])
def test_a_closed_workspace_says_so(tmp_path, use, where):
    ws = Workspace.open(tmp_path / "home") if where == "in a file" else Workspace.in_memory()
    ws.close()
    ws.close()
    with pytest.raises(LogUnavailable, match=r"is closed$"):
        use(ws)


def test_a_workspace_that_is_closed_while_threads_use_it_raises_no_other_error(tmp_path):
    ws = Workspace.open(tmp_path / "home")
    others = []

    def work():
        with contextlib.suppress(StackfoldError):
            try:
                while True:
                    register(ws, f"s{threading.get_ident()}")
                    ws.stacks.delete(f"s{threading.get_ident()}")
                    ws.stacks.list()
            except StackfoldError:
                raise
            except BaseException as error:
                others.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    ws.close()
    for thread in threads:
        thread.join(20)
    assert others == []
    with Workspace.open(tmp_path / "home") as again:
        assert again.log.verify().intact


def test_a_read_only_home_is_read_and_says_that_it_cannot_be_written(tmp_path):
    home = tmp_path / "home"
    Workspace.open(home).close()
    connection = sqlite3.connect(home / "log.sqlite")
    connection.execute("PRAGMA journal_mode=DELETE")
    connection.close()
    (home / "log.sqlite").chmod(0o400)
    if os.access(home / "log.sqlite", os.W_OK):
        pytest.skip("the superuser may write everything")
    with Workspace.open(home) as ws:
        assert [stack.name for stack in ws.stacks.list()] == ["default"]
        with pytest.raises(LogUnavailable, match="is read-only"):
            register(ws)


def test_errors_about_secrets_do_not_show_them():
    with Workspace.in_memory() as ws, pytest.raises(Invalid) as caught:
        ws.secrets.create("s", {"token": b"hunter2"})
    assert "hunter2" not in str(caught.value)
