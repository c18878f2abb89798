"""Aggregates of other packages in the log, by the example of approvals, on each database."""

import json
from contextlib import suppress

import pytest
from approvals import APPROVALS, Approval, ApprovalRow
from hypothesis import given, settings
from hypothesis import strategies as st
from own_aggregates import request, states

from stackfold import Workspace
from stackfold.errors import (
    ConcurrentModification,
    DidNotExistAt,
    Invalid,
    InvalidAggregate,
    NameTaken,
    NoSuchRevision,
    NotFound,
    StackfoldError,
    StaleRevision,
)
from stackfold.eventsourcing import Aggregate, Stack

# -- a program with the package


def test_they_are_read_now_and_in_the_past(place):
    with place.open(APPROVALS) as ws:
        ours = ws.aggregates(Approval)
        assert ours.list() == []
        id = request(ws, "prod", risk="low")
        requested = ws.log.head().position
        request(ws, "test")
        ours.change("prod", lambda each: each.decide("approved"), why="It works")
        view = ours.get("prod")
        assert (view.id, view.revision, view.by) == (id, 2, "ada")
        assert view.row == ApprovalRow("prod", {"risk": "low"}, "approved")
        assert ours.get(id[:8]) == ours.get(id) == view
        assert ours.get("prod", as_of=requested).row.state == "open"
        assert states(ws) == {"prod": "approved", "test": "open"}
        assert states(ws, as_of=requested) == {"prod": "open"}
        assert states(ws, where={"state": "open"}) == {"test": "open"}
        assert states(ws, limit=1) == {"prod": "approved"}
        assert ours.load("prod", revision=1).state == "open"
        with pytest.raises(NotFound, match=r"no acme.approval 'x'.*prod, test"):
            ours.get("x")
        assert ws.log.verify().intact


def test_histories_say_what_changed_and_which_package_declares_it(place):
    with place.open(APPROVALS) as ws:
        request(ws, risk="low")
        ours = ws.aggregates(Approval)
        ours.change("prod", lambda each: each.decide("rejected"))
        decided, requested = ours.history("prod")
        assert [each.field for each in requested.changes] == ["name", "state", "note risk"]
        assert [tuple(each) for each in decided.changes] == [("state", "open", "rejected")]
        assert (decided.kind, decided.action) == ("acme.approval", "decided")
        assert {decided.package, requested.package} == {"acme-approvals"}
        assert [*ws.log.entries(kind="acme.approval", name="prod")] == [decided, requested]
        assert ours.diff("prod") == decided.changes
        assert ours.diff("prod", revisions=(1, None)) == decided.changes
        assert ours.history("prod", 1) == [decided]


def test_they_are_reverted_restored_and_undone(place):
    with place.open(APPROVALS) as ws:
        request(ws)
        ours = ws.aggregates(Approval)
        ours.change("prod", lambda each: each.decide("rejected"))
        (preview,) = ours.revert("prod", 1, dry_run=True)
        assert states(ws) == {"prod": "rejected"}
        (reverted,) = ours.revert("prod", why="A mistake", expected_revision=2)
        assert (reverted.changes, reverted.why) == (preview.changes, "A mistake")
        assert states(ws) == {"prod": "open"}
        with pytest.raises(StaleRevision):
            ours.revert("prod", expected_revision=1)
        with pytest.raises(NoSuchRevision):
            ours.revert("prod", 9)
        ours.change("prod", lambda each: each.delete())
        assert states(ws) == {}
        assert [each.action for each in ws.undo()] == ["reverted"]
        ours.change("prod", lambda each: each.delete())
        ours.restore("prod")
        assert states(ws) == {"prod": "open"}
        assert ws.log.verify().intact


def test_names_are_unique_among_those_that_exist(place):
    with place.open(APPROVALS) as ws:
        first = request(ws)
        with pytest.raises(NameTaken):
            request(ws)
        ws.aggregates(Approval).change("prod", lambda each: each.delete())
        request(ws)
        with pytest.raises(NameTaken):
            ws.aggregates(Approval).restore(first)


def test_they_take_part_in_changes_with_stacks(place):
    with place.open(APPROVALS) as ws:
        request(ws)
        with suppress(ZeroDivisionError), ws.change():
            ws.aggregates(Approval).change("prod", lambda each: each.decide("approved"))
            assert states(ws) == {"prod": "approved"}
            raise ZeroDivisionError
        assert states(ws) == {"prod": "open"}
        with ws.change(why="Release"):
            ws.aggregates(Approval).change("prod", lambda each: each.decide("approved"))
            ws.stacks.copy("default", "prod")
        assert {each.kind for each in ws.undo()} == {"stack", "acme.approval"}
        assert states(ws) == {"prod": "open"}
        assert [each.name for each in ws.stacks.list()] == ["default"]


def test_a_change_may_begin_with_the_first_event_of_the_package(place):
    with place.open(APPROVALS) as ws:
        with suppress(ZeroDivisionError), ws.change():
            request(ws)
            raise ZeroDivisionError
        assert states(ws) == {}
        with ws.change():
            request(ws)
            assert states(ws) == {"prod": "open"}
        assert ws.log.verify().intact


def test_snapshots_of_their_read_model_shorten_replays(place):
    with place.open(APPROVALS) as ws:
        id = request(ws)
        with ws.change():
            approval = ws.repository.load(Approval, id)
            for number in range(120):
                approval.decide(f"state {number}")
            ws.repository.save(approval)
        assert ws.repository.load(Approval, id).state == "state 119"
        assert ws.repository.load(Approval, id, 110).state == "state 108"


def test_programs_cannot_write_to_their_tables(place):
    with place.open(APPROVALS) as ws:
        request(ws)
        for table in ("acme_approvals", "packaged_read_models"):
            with pytest.raises(StackfoldError), ws.change() as change:
                change.execute(f"DELETE FROM {table}")
        assert states(ws) == {"prod": "open"}


def test_a_changed_row_is_found_and_rebuilt(place):
    with place.open(APPROVALS) as ws:
        request(ws)
        with ws._database.write() as cursor:
            cursor.execute("UPDATE acme_approvals SET state = 'approved'")
        found = ws.log.verify()
        assert (found.position, found.log_intact) == (5, True)
        assert "acme_approvals" in found.problem
        ws.log.rebuild()
        assert ws.log.verify().intact
        assert states(ws) == {"prod": "open"}


def test_events_record_the_package_in_the_hash_chain(place):
    with place.open(APPROVALS) as ws:
        request(ws)
        (event,) = ws.subscribe(topics=["acme.approval.requested"], timeout=0)
        assert event.data["package"] == "acme-approvals"
        assert all("package" not in each.data for each in ws.log.events() if each != event)


def test_schemas_contain_their_events(place, tmp_path):
    with place.open(APPROVALS) as ws:
        ws.log.write_schemas(tmp_path / "schemas")
    schema = json.loads((tmp_path / "schemas" / "acme.approval.requested.v1.json").read_bytes())
    assert "package" in schema["properties"]


STEPS = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.sampled_from(["request", "decide", "rename", "delete", "revert", "restore", "undo"]),
        st.sampled_from(["x", "y", "a", "b"]),
    ),
    max_size=12,
)


@settings(max_examples=25)
@given(STEPS)
def test_the_read_model_equals_a_fold_of_the_events_at_each_position(steps):
    with Workspace.in_memory(actor="ada", aggregates=[APPROVALS]) as ws:
        ours = ws.aggregates(Approval)
        commands = {
            "request": lambda name, to: request(ws, name),
            "decide": lambda name, to: ours.change(name, lambda each: each.decide(to)),
            "rename": lambda name, to: ours.change(name, lambda each: each.rename(to)),
            "delete": lambda name, to: ours.change(name, lambda each: each.delete()),
            "revert": lambda name, to: ours.revert(name),
            "restore": lambda name, to: ours.restore(name),
            "undo": lambda name, to: ws.undo(),
        }
        for name, command, to in steps:
            try:
                commands[command](name, to)
            except StackfoldError:
                continue
        folded = {}
        assert ours.list(as_of=1) == []
        for event in ws.log.events():
            data = event.data
            match event.topic.rpartition(".")[2], event.id:
                case _, id if not event.topic.startswith("acme."):
                    continue
                case "requested", id:
                    folded[id] = {"name": data["name"], "state": "open"}
                case "reverted", id:
                    folded[id] = {"name": data["name"], "state": data["state"]}
                case "decided", id:
                    folded[id] = {**folded[id], "state": data["state"]}
                case "renamed", id:
                    folded[id] = {**folded[id], "name": data["name"]}
                case "deleted", id:
                    del folded[id]
            seen = {
                each.id: {"name": each.name, "state": each.row.state}
                for each in ours.list(as_of=event.position)
            }
            assert seen == folded
        before = ws._database.read("SELECT * FROM acme_approvals ORDER BY id, since")
        assert ws.log.verify().intact
        ws.log.rebuild()
        assert ws._database.read("SELECT * FROM acme_approvals ORDER BY id, since") == before


# -- limits


def test_invalid_questions_are_rejected(place):
    with place.open(APPROVALS) as ws:
        request(ws)
        ours = ws.aggregates(Approval)
        for ask in (
            lambda: ours.list(limit=-1),
            lambda: ours.list(where={"notes": "x"}),
            lambda: ours.list(where={"1; DROP TABLE events": "x"}),
            lambda: ours.history("prod", -1),
        ):
            with pytest.raises(Invalid):
                ask()
        with pytest.raises(DidNotExistAt):
            ours.diff("prod", as_of=("#1", "#2"))
        with pytest.raises(InvalidAggregate, match="Stackfold"):
            ws.aggregates(Stack)
        with pytest.raises(InvalidAggregate, match="not declared"):
            ws.aggregates(type("Other", (Aggregate,), {}))


def test_a_save_that_lost_a_race_says_who_won_it(place):
    with place.open(APPROVALS) as ws:
        id = request(ws)
        late = ws.repository.load(Approval, id)
        ws.aggregates(Approval).change("prod", lambda each: each.decide("approved"))
        late.rename("other")
        with pytest.raises(
            ConcurrentModification, match=r"ada changed .*'other'.* \(state"
        ) as error:
            ws.repository.save(late)
        assert error.value.revision == 2
        assert states(ws) == {"prod": "approved"}
        new = Approval.request("new")
        ws.repository.save(new)
        for other in ("x", str(ws.stacks.get("default").id), "0" * 32):
            with pytest.raises(NotFound):
                ws.repository.load(Approval, other)
