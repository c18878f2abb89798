"""Reads of a shared log are repeated after a lost connection; missing rights are reported."""

import pytest
from replay import assert_consistent
from workspaces import STORE, names, opened, stack, store

from stackfold.domain.errors import LogUnavailable, PermissionDenied, WriteInterrupted


@pytest.fixture
def url(postgres):
    with postgres.lent() as url:
        yield url


@pytest.fixture
def ws(url):
    with opened(url) as workspace:
        store(workspace, "a")
        stack(workspace, "s", artifact_store="a", activate=True)
        yield workspace


@pytest.fixture
def cut_off(postgres, url):
    """Ends everybody's connections, as an administrator or a crash does."""
    name = url.rpartition("/")[2]
    return lambda: postgres.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        f"WHERE datname = '{name}' AND pid <> pg_backend_pid()"
    )


def cut_off_at(monkeypatch, cut_off, place, name, times=1):
    """Lose the connection the first times that a method is called."""
    method, calls = getattr(place, name), []

    def calling(*arguments, **options):
        calls.append(1)
        if len(calls) <= times:
            cut_off()
        return method(*arguments, **options)

    monkeypatch.setattr(place, name, calling)
    return calls


# -- reads


READS = {
    "stacks.list": lambda ws: names(ws.stacks.list()) == ["default", "s"],
    "stacks.get": lambda ws: ws.stacks.get().name == "s",
    "components.list": lambda ws: names(ws.components.list(STORE)) == ["a", "default"],
    "components.get": lambda ws: ws.components.get(STORE, "a").name == "a",
    "status": lambda ws: ws.status().active_stack == "s",
    "as of": lambda ws: names(ws.stacks.list(as_of="#4")) == ["default"],
    "history": lambda ws: [entry.name for entry in ws.stacks.history("s")] == ["s"],
    "log": lambda ws: len([*ws.log.entries()]) == 7,
    "verify": lambda ws: ws.log.verify().intact,
}


@pytest.mark.parametrize("read", READS)
def test_a_read_that_loses_its_connection_at_any_statement_is_repeated(
    ws, cut_off, monkeypatch, read
):
    for nth in range(1, 4):
        count, statement = [], ws._database.read

        def reading(*arguments, count=count, nth=nth, statement=statement):
            count.append(1)
            if len(count) == nth:
                cut_off()
            return statement(*arguments)

        with monkeypatch.context() as patched:
            patched.setattr(ws._database, "read", reading)
            assert READS[read](ws)


def test_a_read_that_is_lost_twice_is_an_error(ws, cut_off, monkeypatch):
    cut_off_at(monkeypatch, cut_off, ws._services.queries, "_stack_views", times=2)
    with pytest.raises(LogUnavailable, match="was disconnected during a read: try again"):
        ws.stacks.list()
    assert names(ws.stacks.list()) == ["default", "s"]


# -- writes


def test_a_change_that_is_lost_before_it_was_committed_is_made_once(ws, cut_off, monkeypatch):
    """Lost at a query of a constraint, under the write lock."""
    queries = ws._services.event_store.log._projector._queries
    calls = cut_off_at(monkeypatch, cut_off, queries, "existing")
    stack(ws, "t", artifact_store="a")
    assert len(calls) == 2
    assert names(ws.stacks.list()) == ["default", "s", "t"]
    assert assert_consistent(ws) == 8


def test_a_change_that_is_lost_repeatedly_is_reported_as_not_made(ws, cut_off, monkeypatch):
    queries = ws._services.event_store.log._projector._queries
    cut_off_at(monkeypatch, cut_off, queries, "existing", times=9)
    with pytest.raises(WriteInterrupted, match="nothing was recorded: try again") as told:
        stack(ws, "t", artifact_store="a")
    assert "\n" not in str(told.value)
    assert names(ws.stacks.list()) == ["default", "s"]
    assert assert_consistent(ws) == 7


# -- rights


@pytest.fixture
def guest(postgres, url, ws):
    """A role without rights, and what grants it some."""
    database = url.rpartition("/")[2]
    postgres.execute("DROP ROLE IF EXISTS guest")
    postgres.execute("CREATE ROLE guest LOGIN")

    def grant(rights):
        postgres.execute(f"GRANT {rights} TO guest", database)

    yield postgres.url(database, "guest"), grant
    postgres.execute("DROP OWNED BY guest", database)
    postgres.execute("DROP ROLE guest")


def denied(command):
    with pytest.raises(PermissionDenied) as refused:
        command()
    told = str(refused.value)
    assert told.endswith(": ask the owner of the log for the permission")
    assert "\n" not in told
    assert "damaged" not in told
    return told


def test_missing_rights_are_reported_one_after_the_other(guest):
    url, grant = guest
    assert "permission denied for schema stackfold" in denied(lambda: opened(url))
    grant("USAGE ON SCHEMA stackfold")
    assert "permission denied for table version" in denied(lambda: opened(url))
    grant("SELECT ON stackfold.version")
    with opened(url) as ws:
        assert "permission denied for table stacks" in denied(ws.stacks.list)
        assert "permission denied for table events" in denied(lambda: [*ws.log.entries()])
        grant("SELECT ON ALL TABLES IN SCHEMA stackfold")
        assert names(ws.stacks.list()) == ["default", "s"]
        assert "permission denied for table events" in denied(lambda: store(ws, "b"))
        grant("INSERT ON stackfold.events")
        assert "permission denied for table components" in denied(lambda: store(ws, "b"))
        assert ws.log.head().position == 7
        ws.log.rebuild()  # nothing differs, so nothing is written


def test_rights_that_are_revoked_meanwhile_are_reported(guest, postgres):
    url, grant = guest
    grant("USAGE ON SCHEMA stackfold")
    grant("SELECT ON ALL TABLES IN SCHEMA stackfold")
    with opened(url) as ws:
        assert names(ws.stacks.list()) == ["default", "s"]
        postgres.execute("REVOKE ALL ON SCHEMA stackfold FROM guest", url.rpartition("/")[2])
        assert "permission denied for schema stackfold" in denied(ws.stacks.list)
        assert "permission denied for schema stackfold" in denied(ws.log.head)


def test_a_missing_right_to_connect_is_reported(guest, postgres):
    url, _ = guest
    database = url.rpartition("/")[2]
    postgres.execute(f"REVOKE CONNECT ON DATABASE {database} FROM PUBLIC")
    try:
        assert "permission denied for database" in denied(lambda: opened(url))
    finally:
        postgres.execute(f"GRANT CONNECT ON DATABASE {database} TO PUBLIC")
