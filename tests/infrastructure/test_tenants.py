"""Logs of several tenants in one database, each in a schema of its own."""

import pytest

from stackfold import Workspace, pipeline, step
from stackfold.errors import (
    Invalid,
    LogDiverged,
    LogUnavailable,
    PermissionDenied,
    RunBusy,
    StatementRejected,
    UntrustedStore,
)
from stackfold.eventsourcing import Projection
from stackfold.infrastructure.database.postgres_claims import PostgresClaims
from stackfold.infrastructure.system.database_url import parse_database_url

SCHEMAS = ("tenant_a", "tenant_b", "order", "tenant_a_own", "tenant_b_own", "order_own")


@step
def double(x: int) -> int:
    return 2 * x


@pipeline
def doubling(x: int = 1):
    double(x)


class StackCount(Projection):
    name = "stack-count"
    topics = ("stack.registered",)

    def create(self, change):
        change.execute("CREATE TABLE stack_count (position INTEGER)")

    def drop(self, change):
        change.execute("DROP TABLE stack_count")

    def apply(self, event, change):
        change.execute("INSERT INTO stack_count VALUES (?)", [change.position])


@pytest.fixture
def url(postgres):
    with postgres.lent() as url:
        yield url
        for schema in SCHEMAS:
            postgres.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE', url.rpartition("/")[2])


@pytest.fixture
def tenants(url, tmp_path):
    with (
        Workspace.open(tmp_path / "a", f"{url}?schema=tenant_a", projections=[StackCount()]) as a,
        Workspace.open(tmp_path / "b", f"{url}?schema=tenant_b", projections=[StackCount()]) as b,
    ):
        yield a, b


def names(ws):
    return [stack.name for stack in ws.stacks.list()]


def register(ws, name):
    return ws.stacks.register(name, orchestrator=["default"], artifact_store=["default"])


def counted(ws):
    with ws.change() as change:
        return change.execute("SELECT count(*) FROM stack_count")[0][0]


def test_each_tenant_has_a_log_and_read_models(tenants, url):
    a, b = tenants
    register(a, "prod")
    register(b, "lab")
    assert (names(a), names(b)) == (["default", "prod"], ["default", "lab"])
    assert a.log.head() != b.log.head()
    with Workspace.open(store=url) as third:
        assert names(third) == ["default"]
    for ws in tenants:
        assert ws.log.verify().intact
        assert ws.log.rebuild() == ws.log.head().position
        assert ws.log.verify().intact


def test_a_schema_may_have_the_name_of_a_keyword(url):
    with Workspace.open(store=f"{url}?schema=order") as ws:
        register(ws, "prod")
        assert ws.log.verify().intact
        assert ws.log.rebuild() == ws.log.head().position


def test_tables_of_programs_are_those_of_a_tenant(tenants):
    a, b = tenants
    register(a, "prod")
    assert (counted(a), counted(b)) == (2, 1)
    head = a.run_projection(StackCount(), rebuild=True, timeout=0)
    assert head == str(a.log.head())
    assert (counted(a), counted(b)) == (2, 1)
    with a.change() as change, pytest.raises(StatementRejected, match="belongs to Stackfold"):
        change.execute("DELETE FROM tenant_a.stacks")


def test_tenants_write_at_once(tenants):
    a, b = tenants
    with a.change():
        register(a, "prod")
        register(b, "lab")
    assert (names(a), names(b)) == (["default", "prod"], ["default", "lab"])


def test_tenants_notice_their_own_events_only(tenants):
    a, b = tenants
    with a._database.new_events() as of_a, b._database.new_events() as of_b:
        register(a, "prod")
        assert of_a.wait(10)
        assert not of_b.wait(0.1)


def test_tenants_with_copies_of_a_log_claim_its_runs_independently(tenants):
    a, b = (PostgresClaims(each._database) for each in tenants)
    run = "01234567-89ab-7def-8123-456789abcdef"
    with a.claim(run, "training"):
        assert (a.is_claimed(run), b.is_claimed(run)) == (True, False)
        with b.claim(run, "training"), pytest.raises(RunBusy), a.claim(run, "training"):
            pass


def test_pipelines_run_in_each(tenants):
    for ws in tenants:
        with ws:
            assert doubling(4).load("double") == 8


def test_the_log_of_a_tenant_is_forked_and_imported(tenants, tmp_path, url):
    a, _ = tenants
    register(a, "prod")
    assert a.log.fork(None, tmp_path / "copy") == a.log.head()
    a.log.export(tmp_path / "log.jsonl")
    Workspace.import_log(tmp_path / "log.jsonl", store=f"{url}?schema=order")
    with Workspace.open(store=f"{url}?schema=order") as ws:
        assert names(ws) == names(a)


def test_each_tenant_is_trusted_separately(tenants, url, tmp_path, monkeypatch):
    a, _ = tenants
    monkeypatch.setenv("STACKFOLD_HOME", str(tmp_path / "home"))
    folder = tmp_path / "project"
    folder.mkdir()
    a.init_project(folder, store=a.store)
    file = folder / ".stackfold" / "project.json"
    file.write_text(file.read_text().replace("tenant_a", "tenant_b"))
    monkeypatch.chdir(folder)
    with pytest.raises(UntrustedStore, match=r"\?schema=tenant_b"):
        Workspace.open()


def test_errors_name_the_schema(tenants, url):
    a, _ = tenants
    assert a.status().store.endswith("?schema=tenant_a")
    a.close()
    with pytest.raises(LogUnavailable, match=r"\?schema=tenant_a is closed"):
        a.stacks.list()


def test_a_role_that_may_not_create_schemas_uses_one_that_exists(postgres, url):
    database = url.rpartition("/")[2]
    postgres.execute("DROP ROLE IF EXISTS tenant")
    postgres.execute("CREATE ROLE tenant LOGIN")
    address = f"{postgres.url(database, 'tenant')}?schema=tenant_a"
    with pytest.raises(
        PermissionDenied, match="execute CREATE SCHEMA tenant_a AUTHORIZATION tenant"
    ):
        Workspace.open(store=address)
    for schema in ("tenant_a", "tenant_a_own"):
        postgres.execute(f"CREATE SCHEMA {schema} AUTHORIZATION tenant", database)
    with Workspace.open(store=address, projections=[StackCount()]) as ws:
        register(ws, "prod")
        assert counted(ws) == 2
    postgres.execute("DROP OWNED BY tenant CASCADE; DROP ROLE tenant", database)


@pytest.mark.parametrize("others", [("one",), ("one", "two", "three")], ids=["shorter", "longer"])
def test_a_recreated_schema_is_not_followed_by_projections_of_the_old_one(
    postgres, url, tmp_path, others
):
    address = f"{url}?schema=tenant_a"
    with Workspace.open(tmp_path / "a", address, projections=[StackCount()]) as ws:
        for name in ("prod", "lab"):
            register(ws, name)
        assert counted(ws) == 3
    postgres.execute("DROP SCHEMA tenant_a CASCADE", url.rpartition("/")[2])
    with Workspace.open(tmp_path / "b", address) as ws:
        for name in others:
            register(ws, name)
        before = ws.log.head()
    with pytest.raises(LogDiverged, match="rebuild what was derived"):
        Workspace.open(tmp_path / "b", address, projections=[StackCount()])
    with Workspace.open(tmp_path / "b", address) as ws:
        assert ws.log.head() == before
        ws.run_projection(StackCount(), rebuild=True, timeout=0)
    with Workspace.open(tmp_path / "b", address, projections=[StackCount()]) as ws:
        register(ws, "four")
        assert counted(ws) == len(others) + 2


@pytest.mark.parametrize(
    "options",
    [
        "schema=",
        "schema=Tenant",
        "schema=public",
        "schema=pg_temp",
        "schema=a_own",
        "schema=a%22b",
        "schema=a%00",
        "schema=" + "a" * 51,
        "schema=a&schema=b",
        "pool_size=0",
        "pool_size=many",
        "pool_size=-1",
        "options=-csearch_path%3Dtenant_a",
    ],
)
def test_invalid_options_are_rejected(options):
    with pytest.raises(Invalid):
        parse_database_url(f"postgresql://db.example.com/ml?{options}")


def test_other_options_are_those_of_the_driver():
    address = parse_database_url(
        "postgresql://ada@db1,db2:5433/ml?sslmode=require&schema=tenant_a&pool_size=3&service=ml"
    )
    assert address.server == "postgresql://ada@db1,db2:5433/ml?sslmode=require&service=ml"
    assert (address.schema, address.pool_size) == ("tenant_a", 3)
    assert address.location == "postgresql://ada@db1,db2:5433/ml?schema=tenant_a"
