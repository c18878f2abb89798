"""Filters of the log select exactly the entries that match, by an index."""

from itertools import product

import pytest
from history.homes import as_somebody
from workspaces import STORE, stack, store

from stackfold import pipeline, step
from stackfold.errors import Invalid
from stackfold.infrastructure.queries import log_search
from stackfold.infrastructure.workspace import Workspace


@step
def one() -> int:
    return 1


@pipeline
def counting():
    one()


@pytest.fixture
def busy(ws):
    """A log with renamed, deleted and restored aggregates of equal names, and a deleted run."""
    as_somebody(ws, "ada")
    store(ws, "lake", path="/one")
    stack(ws, "prod", artifact_store="lake", labels={"by": "bob"})
    as_somebody(ws, 'bob "the builder"')
    ws.components.rename(STORE, "lake", "river")
    ws.stacks.update("prod", description='"by":"eve"')
    ws.stacks.rename("prod", "lake")
    store(ws, "lake", path="/two")
    ws.components.update(STORE, "lake", {"path": "/three"}, why="ada")
    ws.components.delete(STORE, "lake")
    as_somebody(ws, "Zoë")
    ws.components.restore(STORE, "lake")
    ws.stacks.activate("lake")
    ws.stacks.activate("default")
    ws.stacks.delete("lake")
    ws.runs.start(counting)
    gone = ws.runs.start(counting)
    ws.runs.delete(gone.name)
    return ws


def test_a_filter_finds_what_matches_among_all_entries(busy):
    everything = [*busy.log.entries()]
    bys = {None, "eve", *(entry.by for entry in everything)}
    kinds = {None, "alerter", *(entry.kind for entry in everything)}
    names = {None, "nothing", *(entry.name for entry in everything)}
    for by, kind, name in product(bys, kinds, names):
        matching = [
            entry
            for entry in everything
            if by in (None, entry.by, entry.by.partition("@")[0])
            and kind in (None, entry.kind)
            and name in (None, entry.name)
        ]
        found = [*busy.log.entries(by=by, kind=kind, name=name)]
        assert found == matching
        oldest = [*busy.log.entries(by=by, kind=kind, name=name, newest_first=False, limit=2)]
        assert oldest == matching[::-1][:2]


def test_several_kinds_are_selected_together(busy):
    wanted = {"stack", "artifact_store", "activation"}
    expected = [entry for entry in busy.log.entries() if entry.kind in wanted]
    assert [*busy.log.entries(kinds=sorted(wanted))] == expected
    assert [*busy.log.entries(kinds=["stack", "activation"], kind="artifact_store")] == expected
    assert [*busy.log.entries(kinds=["run", "stack"], name="lake", detail="changes")] == [
        entry for entry in expected if entry.kind == "stack" and entry.name == "lake"
    ]


def test_details_of_runs_are_omitted(busy):
    everything = [*busy.log.entries()]
    changes = [entry for entry in everything if entry.kind != "run"]
    runs = [entry for entry in everything if not entry.action.startswith("step")]
    assert len(changes) < len(runs) < len(everything)
    assert [*busy.log.entries(detail="changes")] == changes
    assert [*busy.log.entries(detail="runs")] == runs
    assert [*busy.log.entries(detail="changes", by="Zoë", limit=3)] == changes[:3]
    assert [*busy.log.entries(detail="changes", kind="run")] == []


def test_a_text_is_searched_in_names_authors_reasons_and_values(busy):
    def found(text):
        return [f"{each.kind} {each.name} {each.action}" for each in busy.log.entries(grep=text)]

    assert found("RIVER") == ["artifact_store river renamed"]
    assert found('"by":"EVE"') == ["stack prod updated"]
    assert "artifact_store lake updated" in found("/three")
    assert found("originator_topic") == found("nothing") == []
    for by in ('bob "the builder"', "Zoë"):
        assert [*busy.log.entries(grep=by.upper())] == [*busy.log.entries(by=by)]


def test_a_search_can_be_limited_and_combined(busy):
    stacks = [*busy.log.entries(grep="builder", kind="stack")]
    assert {entry.kind for entry in stacks} == {"stack"}
    assert [*busy.log.entries(grep="builder", kind="stack", limit=1)] == stacks[:1]
    oldest = [*busy.log.entries(grep="builder", kind="stack", newest_first=False)]
    assert oldest == stacks[::-1]


def test_a_search_reads_a_limited_number_of_events(busy, monkeypatch):
    monkeypatch.setattr(log_search, "SEARCHED", 2)
    assert [*busy.log.entries(grep="")] == [*busy.log.entries(limit=2)]
    assert [*busy.log.entries(grep="", until=5)] == [*busy.log.entries(until=5, limit=2)]


def plan_of(ws, monkeypatch, explain, wanted):
    (statement, parameters), *_ = reads(ws, monkeypatch, **wanted)
    return str(ws._database.read(f"{explain} {statement}", parameters))


@pytest.fixture(params=["in a folder", "in PostgreSQL"])
def planned(request, tmp_path, monkeypatch):
    """Returns how the database executes the first statement of a filter."""
    if request.param == "in PostgreSQL":
        opening, explain = request.getfixturevalue("postgres").workspace(), "EXPLAIN"
    else:
        opening, explain = Workspace.open(tmp_path / "home"), "EXPLAIN QUERY PLAN"
    with opening as ws:
        if request.param == "in PostgreSQL":
            # A table of a few rows is read as a whole otherwise.
            for option in ("enable_seqscan", "enable_sort", "enable_bitmapscan"):
                ws._database.read(f"SELECT set_config('{option}', 'off', false)")
        yield lambda **wanted: plan_of(ws, monkeypatch, explain, wanted)


@pytest.mark.parametrize("others", [{}, {"by": "ada"}, {"by": "ada", "kind": "stack"}])
def test_a_name_is_found_by_an_index(planned, others):
    plan = planned(name="lake", **others)
    assert "log_entries_by_name_position" in plan
    assert "SCAN" not in plan
    assert "SORT" not in plan.upper()
    assert "B-TREE" not in plan


@pytest.mark.parametrize(
    "wanted",
    [
        {"by": "ada"},
        {"kind": STORE.value},
        {"by": "ada", "kind": "stack"},
        {"kinds": ["stack", "run"], "detail": "runs"},
    ],
)
def test_entries_of_an_author_or_a_kind_are_read_in_their_order(planned, wanted):
    plan = planned(**wanted)
    assert "SORT" not in plan.upper()
    assert "B-TREE" not in plan


def test_changes_are_found_by_an_index(planned):
    plan = planned(detail="changes")
    assert "events_of_configuration" in plan
    assert "SORT" not in plan.upper()
    assert "B-TREE" not in plan


def test_entries_that_are_read_together_equal_those_read_alone(busy):
    together = [*busy.log.entries()]
    assert together == [
        entry for each in together for entry in busy._services.history.at([each.position])
    ]


def test_a_name_is_found_however_it_is_spelled(ws):
    stack(ws, "caf\N{LATIN SMALL LETTER E WITH ACUTE}")
    (entry,) = ws.log.entries(name="cafe\N{COMBINING ACUTE ACCENT}")
    assert entry.action == "registered"


def test_a_name_that_no_log_can_contain_finds_nothing(ws):
    assert [*ws.log.entries(name="\udc80")] == []


def test_an_unknown_detail_is_rejected(ws):
    with pytest.raises(Invalid, match="detail='steps' is not valid"):
        ws.log.entries(detail="steps")


@pytest.mark.parametrize("filter", ["by", "kind", "grep"])
def test_a_text_that_no_log_can_contain_is_rejected(ws, filter):
    with pytest.raises(Invalid, match=f"{filter}=.* lone surrogates"):
        [*ws.log.entries(**{filter: "\udc80"})]


def test_a_page_of_entries_takes_about_as_many_statements_as_one_entry(ws, monkeypatch):
    for number in range(100):
        ws.stacks.copy("default", f"s{number}")
    few, many = statements(ws, monkeypatch, limit=1), statements(ws, monkeypatch)
    # For each kind in a page: the rows before and after the events, and names.
    assert many <= few + 8
    assert statements(ws, monkeypatch, by="nobody") <= few


def statements(ws, monkeypatch, **wanted):
    return len(reads(ws, monkeypatch, **wanted))


def reads(ws, monkeypatch, **wanted):
    """The statements, with their parameters, that are executed to read entries of the log."""
    executed = []
    read = ws._database.read

    def recorded(*arguments):
        executed.append(arguments)
        return read(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(ws._database, "read", recorded)
        assert [*ws.log.entries(**wanted)] or wanted
    return executed
