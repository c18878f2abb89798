"""Logs with events of a package that is missing, or of another version."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import pytest
from approvals import APPROVALS, Approval
from own_aggregates import Place, events, request, skipping, states
from package_versions import installed

from stackfold import Workspace
from stackfold.errors import (
    Invalid,
    InvalidAggregate,
    LogExists,
    PermissionDenied,
    UndeclaredChange,
    UnreadableEvent,
)
from stackfold.eventsourcing import AggregateType, LogEvent, Projection

# -- a program without the package


@pytest.fixture
def foreign(place):
    """A log with an approval of the state "approved", and a stack after it."""
    with place.open(APPROVALS) as ws:
        request(ws, risk="low")
        ws.aggregates(Approval).change("prod", lambda each: each.decide("approved"))
        ws.stacks.copy("default", "prod")
    return place


def test_without_the_package_the_log_opens_and_is_verified(foreign):
    with foreign.open() as ws:
        assert [each.name for each in ws.stacks.list()] == ["default", "prod"]
        with skipping("acme.approval"):
            assert ws.log.verify().intact
        decided, requested = ws.log.entries(kind="acme.approval")
        assert (decided.name, decided.package) == ("prod", "acme-approvals")
        assert [tuple(each) for each in decided.changes] == [("state", None, "approved")]
        with pytest.raises(InvalidAggregate, match="not declared"):
            ws.aggregates(Approval)
        with pytest.raises(UnreadableEvent, match="'acme-approvals': install it"):
            ws.repository.load(Approval, requested.id)


def test_a_rebuild_without_the_package_rebuilds_the_rest_and_empties_its_table(foreign):
    with foreign.open() as ws:
        before = events(ws)
        with skipping("acme.approval"):
            ws.log.rebuild()
        assert events(ws) == before
        assert ws._database.read("SELECT * FROM acme_approvals") == []
        assert ws.log.verify().intact
        assert [each.name for each in ws.stacks.list()] == ["default", "prod"]
    with foreign.open(APPROVALS) as ws:
        assert ws.log.verify().intact
        decided, _ = ws.log.entries(kind="acme.approval")
        assert [tuple(each) for each in decided.changes] == [("state", None, "approved")]
        assert states(ws) == {"prod": "approved"}
        decided, _ = ws.log.entries(kind="acme.approval")
        assert [tuple(each) for each in decided.changes] == [("state", "open", "approved")]
        assert ws.log.verify().intact


def test_copies_without_the_package_keep_each_byte(foreign, tmp_path):
    with foreign.open() as ws:
        ws.log.export(tmp_path / "one.jsonl")
        ws.log.fork(None, tmp_path / "fork")
    Workspace.import_log(tmp_path / "one.jsonl", tmp_path / "imported")
    for home in ("fork", "imported"):
        copy = Place(tmp_path / home)
        with copy.open() as ws:
            assert ws.log.verify().intact
            ws.log.export(tmp_path / f"{home}.jsonl")
        assert (tmp_path / f"{home}.jsonl").read_bytes() == (tmp_path / "one.jsonl").read_bytes()
        with copy.open(APPROVALS) as ws:
            assert states(ws) == {"prod": "approved"}
            assert ws.log.verify().intact
    with pytest.raises(LogExists):
        Workspace.import_log(tmp_path / "one.jsonl", tmp_path / "imported")


def test_undo_without_the_package_takes_back_what_comes_after_and_then_refuses(foreign):
    with foreign.open() as ws:
        assert [each.action for each in ws.undo()] == ["deleted"]
        head = str(ws.log.head())
        with pytest.raises(UndeclaredChange, match="install the package 'acme-approvals'") as e:
            ws.undo()
        assert (e.value.position, e.value.topic) == (6, "acme.approval")
        assert str(ws.log.head()) == head
    with foreign.open(APPROVALS) as ws:
        assert [each.action for each in ws.undo()] == ["reverted"]
        assert states(ws) == {"prod": "open"}
    with foreign.open() as ws, pytest.raises(UndeclaredChange, match="#5"):
        ws.undo()


def test_a_change_that_mixes_stacks_and_approvals_is_not_undone_in_half(place):
    with place.open(APPROVALS) as ws, ws.change():
        request(ws)
        ws.stacks.copy("default", "prod")
    with place.open() as ws:
        with pytest.raises(UndeclaredChange, match="acme-approvals"):
            ws.undo()
        assert [each.name for each in ws.stacks.list()] == ["default", "prod"]
    with place.open(APPROVALS) as ws:
        assert len(ws.undo()) == 2


NOT_REVERTIBLE = AggregateType(Approval, projection=APPROVALS.projection)


def test_undo_steps_over_what_is_declared_but_not_revertible(place):
    with place.open(NOT_REVERTIBLE) as ws:
        ws.stacks.copy("default", "prod")
        request(ws)
        assert [each.name for each in ws.undo()] == ["prod"]
        with pytest.raises(InvalidAggregate, match="not declared revertible"):
            ws.aggregates(Approval).revert("prod")


class Everything(Projection):
    """The topic of each event, and its class."""

    seen: list[tuple[str, str]]

    def apply(self, event, change):
        topic = event.topic if isinstance(event, LogEvent) else event.TOPIC
        self.seen.append((topic, type(event).__name__))


def test_a_projection_of_all_topics_receives_undeclared_events_as_they_were_recorded(
    foreign, tmp_path
):
    for name, declared, kind in (("a", [], "LogEvent"), ("b", [APPROVALS], "Decided")):
        with foreign.open(*declared) as ws:
            projection = Everything()
            projection.seen = []
            head = ws.run_projection(projection, tmp_path / f"{name}.db", timeout=0)
            assert head == str(ws.log.head())
            assert ("acme.approval.decided", kind) in projection.seen
            assert projection.seen[-1] == ("stack.registered", "Registered")


def test_a_projection_of_an_undeclared_class_is_rejected(foreign, tmp_path):
    class Decisions(Everything):
        topics = (Approval.Decided,)

    with foreign.open() as ws, pytest.raises(Invalid, match="does not declare"):
        ws.run_projection(Decisions(), tmp_path / "a.db", timeout=0)


def test_events_that_a_program_without_the_package_copies_are_projected_later(foreign):
    with foreign.open() as ws:
        application = ws.log.application_class()()
        from eventsourcing.persistence import StoredEvent

        (decided, _) = ws.log.entries(kind="acme.approval")
        state = b'{"by":"ada","package":"acme-approvals","state":"rejected",'
        state += b'"timestamp":"2026-01-01T00:00:00Z"}'
        stored = StoredEvent(decided.id, 3, "acme.approval.decided", state)
        application.recorder.insert_events([stored])
        assert ws._database.read("SELECT * FROM acme_approvals") == []
        assert ws.log.verify().intact
    with foreign.open(APPROVALS) as ws:
        assert states(ws) == {"prod": "rejected"}
        assert ws.log.verify().intact


# -- other versions of the package


TWO = {
    "was": '    TOPIC = "acme.approval.decided"\n        state: str\n',
    "now": """    TOPIC = "acme.approval.decided"
        class_version = 2
        state: str
        decider: str

        @staticmethod
        def upcast_v1_v2(state):
            state["decider"] = "unknown"
""",
    "was_2": "self.Decided, state=state)",
    "now_2": 'self.Decided, state=state, decider="ada")',
    "was_3": "row._replace(state=event.state)",
    "now_3": 'row._replace(state=f"{event.state} by {event.decider}")',
    "was_4": "    revertible=True,\n",
    "now_4": "    revertible=True,\n    version=2,\n",
    "was_5": "    restore=restore,\n",
    "now_5": "",
}
"""Version 2: decisions have an author, which the read model shows."""


def test_a_newer_version_upcasts_events_and_builds_its_tables_again(foreign):
    with installed("approvals_2", **TWO) as two, foreign.open(two.APPROVALS) as ws:
        ours = ws.aggregates(two.Approval)
        assert ours.get("prod").row.state == "approved by unknown"
        ours.change("prod", lambda each: each.decide("rejected"))
        assert ours.get("prod").row.state == "rejected by ada"
        assert ws.log.verify().intact


def test_an_older_version_refuses_what_a_newer_one_wrote_and_does_everything_else(foreign):
    with installed("approvals_2", **TWO) as two, foreign.open(two.APPROVALS) as ws:
        ws.aggregates(two.Approval).change("prod", lambda each: each.decide("rejected"))
        id = ws.aggregates(two.Approval).get("prod").id
    with foreign.open(APPROVALS) as ws:
        before = events(ws)
        with pytest.raises(InvalidAggregate, match="newer version of the package"):
            ws.aggregates(Approval).list()
        with pytest.raises(UnreadableEvent, match="newer version of the package"):
            ws.repository.load(Approval, id)
        with pytest.raises(InvalidAggregate, match="upgrade it"):
            request(ws, "other")
        assert [each.action for each in ws.log.entries(kind="acme.approval", limit=1)] == [
            "decided"
        ]
        with skipping("acme.approval"):
            assert ws.log.verify().intact
        with skipping("acme.approval"):
            ws.log.rebuild()
        assert ws._database.read("SELECT * FROM acme_approvals") == []
        with pytest.raises(UnreadableEvent, match="newer version of the package"):
            ws.aggregates(Approval).list()
        ws.stacks.copy("default", "more")
        assert events(ws)[: len(before)] == before
    with installed("approvals_2", **TWO) as two, foreign.open(two.APPROVALS) as ws:
        assert ws.aggregates(two.Approval).get("prod").row.state == "rejected by ada"
        assert ws.log.verify().intact


def test_an_event_with_a_topic_that_was_renamed_names_the_package(foreign):
    renamed = {"was": '"acme.approval.decided"', "now": '"acme.approval.settled"'}
    with installed("approvals_3", **renamed) as three, foreign.open(three.APPROVALS) as ws:
        decided, _ = ws.log.entries(kind="acme.approval")
        with pytest.raises(UnreadableEvent, match="'acme-approvals' does not declare it"):
            ws.repository.load(three.Approval, decided.id)
        with skipping("acme.approval"):
            ws.log.rebuild()
        assert ws.log.verify().intact
        assert len(ws.stacks.list()) == 2


def test_a_projection_of_the_package_that_raises_breaks_no_rebuild(foreign):
    def broken(row, event):
        raise ZeroDivisionError("no state")

    projection = APPROVALS.projection._replace(apply=broken)
    with foreign.open(AggregateType(Approval, projection=projection)) as ws:
        with skipping("acme.approval"):
            assert ws.log.verify().intact
        with skipping("acme.approval"):
            ws.log.rebuild()
        assert len(ws.stacks.list()) == 2


def test_a_table_that_was_dropped_is_built_again(foreign):
    with foreign.open(APPROVALS) as ws:
        with ws._database.write() as cursor:
            cursor.execute("DROP TABLE acme_approvals")
        with skipping("acme.approval") if ws.store else nullcontext():
            ws.log.rebuild()
        assert states(ws) == {"prod": "approved"}
        assert ws.log.verify().intact


def test_many_programs_build_the_tables_at_once(foreign):
    with foreign.open() as ws, skipping("acme.approval"):
        ws.log.rebuild()

    def use(number):
        with foreign.open(APPROVALS) as ws:
            return states(ws)

    with ThreadPoolExecutor(4) as pool:
        assert [*pool.map(use, range(8))] == [{"prod": "approved"}] * 8


@pytest.mark.slow
def test_who_is_not_the_owner_fills_tables_and_does_not_create_them(postgres, tmp_path):
    with postgres.lent() as url:
        owner = Place(tmp_path / "home", url)
        owner.open().close()
        database = url.rpartition("/")[2]
        team = "GRANT SELECT, INSERT, UPDATE, DELETE ON"
        for statement in (
            "CREATE ROLE approvers LOGIN",
            "GRANT USAGE ON SCHEMA stackfold TO approvers",
            f"{team} ALL TABLES IN SCHEMA stackfold TO approvers",
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA stackfold {team[:-3]} ON TABLES TO approvers",
        ):
            postgres.execute(statement, database)
        member = Place(tmp_path / "home", url.replace("postgres@", "approvers@"))
        with member.open(APPROVALS) as ws:
            with pytest.raises(PermissionDenied):
                request(ws)
            assert ws.log.verify().intact
        with owner.open(APPROVALS) as ws:
            request(ws)
        with member.open() as ws, skipping("acme.approval"):
            ws.log.rebuild()
        with member.open(APPROVALS) as ws:
            assert states(ws) == {"prod": "open"}
            request(ws, "test")
            ws.log.rebuild()
            assert states(ws) == {"prod": "open", "test": "open"}
            assert ws.log.verify().intact
        postgres.execute("DROP OWNED BY approvers", database)
    postgres.execute("DROP ROLE approvers")
