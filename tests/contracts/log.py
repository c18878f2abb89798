"""The contract of logs in every database."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from event_examples import EXAMPLES
from eventsourcing.persistence import RecordConflictError
from freezegun import freeze_time
from replay import assert_chained, stored

from stackfold.application.aggregates import STACKFOLD_AGGREGATES
from stackfold.domain.errors import InUse, NameTaken, NotFound, StackActive
from stackfold.domain.eventsourcing.metadata import EventMetadata
from stackfold.domain.stacks.activation import Activation
from stackfold.domain.stacks.component import Component
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.domain.stacks.stack import Stack
from stackfold.infrastructure.eventstore.event_mapper import EventMapper
from stackfold.infrastructure.eventstore.hash_chain import Record
from stackfold.testing import event, stamped

ALERTER, ORCHESTRATOR = ComponentType.ALERTER, ComponentType.ORCHESTRATOR
STORE = ComponentType.ARTIFACT_STORE
MAPPER = EventMapper(STACKFOLD_AGGREGATES)


def signed(event):
    event.stamp(EventMetadata("ada"))
    return MAPPER.to_stored_event(event)


Rows = Callable[[str], list[dict[str, Any]]]


def alerter(name: str = "a", **configuration: Any) -> Component:
    return Component.register(ALERTER, name, "f", configuration)


class LogContract:
    """Give the fixtures of an empty log, and the tests are yours."""

    @pytest.fixture
    def log(self) -> Iterator[Any]:
        """An empty log with its tables."""
        raise NotImplementedError

    @pytest.fixture
    def rows(self, log: Any) -> Rows:
        """The name of a table of the log's database → its rows."""
        raise NotImplementedError

    @pytest.fixture
    def execute(self, log: Any) -> Callable[[str], object]:
        """Executes and commits an SQL statement directly in the database."""
        raise NotImplementedError

    @pytest.fixture
    def append(self, log: Any) -> Callable[..., Any]:
        def append(*aggregates: Any) -> Any:
            events = [event for each in aggregates for event in each.collect_events()]
            return log.insert_events([signed(e) for e in events], events=events)

        return append

    @pytest.fixture
    def unchanged(self, log: Any, rows: Rows) -> Callable[[], None]:
        """Remembers all tables; called, asserts that they are as they were."""
        tables = ("events", "components", "stacks", "activations", "flavors")
        before: dict[str, Any] = {}

        def check() -> None:
            now = {table: rows(table) for table in tables}
            assert now == before.setdefault("all", now)

        return check

    @staticmethod
    def records(rows: Rows) -> list[Record]:
        return sorted(Record(**row) for row in rows("events"))

    # -- append and read

    def test_a_new_log_is_empty(self, rows):
        assert rows("events") == rows("components") == []

    def test_positions_count_from_one_without_gaps(self, append):
        assert [*append(alerter("a"), alerter("b"))] == [1, 2]
        assert [*append(alerter("c"))] == [3]
        assert [*append(alerter("d"))] == [4]

    def test_events_are_read_as_they_were_appended(self, log, append):
        component = alerter()
        component.rename("b")
        component.update({"to": "x"})
        events = [signed(event) for event in component.pending_events]
        append(component, alerter("other"))
        assert [*log.select_events(component.id)] == events
        assert [*log.select_events(str(component.id))] == events

    def test_any_event_can_be_stored(self, log, rows):
        for example in EXAMPLES:
            event = replace(signed(example), originator_id=uuid4())
            log.insert_events([event], events=[UnknownToReadModels()])
            assert [*log.select_events(event.originator_id)] == [event]
        assert_chained(self.records(rows))

    def test_a_part_of_a_stream_can_be_read(self, log, append):
        component = alerter()
        for name in ("b", "c", "d"):
            component.rename(name)
        append(component)

        def versions(**part):
            return [e.originator_version for e in log.select_events(component.id, **part)]

        assert versions() == [1, 2, 3, 4]
        assert versions(gt=2) == [3, 4]
        assert versions(lte=2) == [1, 2]
        assert versions(lte=0) == []
        assert versions(gt=1, lte=3) == [2, 3]
        assert versions(desc=True) == [4, 3, 2, 1]
        assert versions(desc=True, limit=1) == [4]
        assert versions(limit=2) == [1, 2]
        assert versions(gt=4) == []

    def test_an_unknown_stream_is_empty(self, log):
        assert [*log.select_events(uuid4())] == []

    def test_events_of_one_append_have_the_same_change(self, rows, append):
        append(alerter("a"))
        append(alerter("b"), alerter("c"))
        assert [record.change for record in self.records(rows)] == [1, 2, 2]

    # -- time and chain

    def test_every_record_is_chained_to_the_previous_one(self, rows, append):
        for name in "abcdefgh":
            append(alerter(name))
        records = self.records(rows)
        assert len(records) == 8
        assert_chained(records)

    def test_the_time_of_recording_is_that_of_the_clock(self, rows, append):
        before = datetime.now(UTC)
        append(alerter())
        (record,) = self.records(rows)
        assert before <= datetime.fromisoformat(record.recorded_at) <= datetime.now(UTC)
        assert record.recorded_at.endswith("Z")
        assert len(record.recorded_at) == len("2026-01-01T00:00:00.000000Z")

    def test_the_time_of_recording_never_runs_backwards(self, rows, append):
        for moment in ("2026-06-01 12:00", "2026-05-01", "2026-06-01 11:59:59", "2026-06-02"):
            with freeze_time(moment):
                append(alerter(f"at-{moment[5:10]}-{moment[-2:]}"))
        noon = "2026-06-01T12:00:00.000000Z"
        assert [record.recorded_at for record in self.records(rows)] == [
            noon,
            noon,
            noon,
            "2026-06-02T00:00:00.000000Z",
        ]
        assert_chained(self.records(rows))
        timestamps = [MAPPER.to_domain_event(e).timestamp.month for e in self.stored(rows)]
        assert timestamps == [6, 5, 6, 6], "the timestamp of an event is the time of its command"

    def test_nothing_recorded_can_be_changed_or_deleted(self, rows, append, execute):
        append(alerter("a"), alerter("b"))
        before = rows("events")
        for statement in (
            "DELETE FROM events",
            "DELETE FROM events WHERE position = 2",
            "UPDATE events SET topic = 'component.deleted'",
            "UPDATE events SET position = position + 10",
            "UPDATE events SET recorded_at = '' WHERE position = 1",
        ):
            with pytest.raises(Exception, match="append-only"):
                execute(statement)
        assert rows("events") == before

    # -- all or nothing

    def test_a_revision_is_recorded_once(self, log, append, unchanged):
        component = alerter()
        append(component)
        one, other = (self.load(log, component.id) for _ in range(2))
        one.rename("one")
        append(one)
        unchanged()
        other.rename("other")
        with pytest.raises(RecordConflictError):
            append(other)
        unchanged()

    def test_a_conflict_in_the_last_event_rolls_back_the_first(self, log, append, unchanged):
        component = alerter()
        append(component)
        late = self.load(log, component.id)
        component.rename("b")
        append(component)
        unchanged()
        late.rename("c")
        with pytest.raises(RecordConflictError):
            append(alerter("new"), late)
        unchanged()

    def test_the_log_works_after_a_rejected_append(self, log, rows, append):
        append(alerter("a"))
        for _ in range(3):
            with pytest.raises(NameTaken):
                append(alerter("b"), alerter("a"))
        assert [*append(alerter("c"))] == [2]
        assert_chained(self.records(rows))

    def test_any_error_rolls_everything_back(self, log, append, unchanged):
        append(alerter("a"))
        unchanged()
        good = alerter("b")
        events = good.collect_events()
        records = [signed(event) for event in events]
        with pytest.raises(ValueError, match="shorter"):
            log.insert_events([*records, *records], events=events)
        (stray,) = stamped(event(Component.Renamed, name="c"))
        with pytest.raises(AssertionError, match="does not follow"):
            log.insert_events([*records, signed(stray)], events=[*events, stray])
        unchanged()

    def test_a_dry_run_shows_the_result_and_records_nothing(self, log, rows, unchanged):
        unchanged()
        seen = []
        events = alerter("a").collect_events()
        log.insert_events(
            [signed(event) for event in events],
            events=events,
            preview=lambda positions: seen.append([*positions]),
        )
        assert seen == [[1]]
        unchanged()

    # -- constraints among aggregates

    def test_a_name_belongs_to_one_existing_component_of_its_type(self, append, unchanged):
        append(alerter("a"), Component.register(ORCHESTRATOR, "a", "f", {}))
        unchanged()
        with pytest.raises(NameTaken, match="an alerter named 'a' exists already"):
            append(alerter("a"))
        unchanged()

    def test_a_name_cannot_be_taken_by_renaming(self, append, unchanged):
        append(alerter("a"))
        other = alerter("b")
        append(other)
        unchanged()
        other.rename("a")
        with pytest.raises(NameTaken, match="an alerter named 'a'"):
            append(other)
        unchanged()

    def test_a_name_is_free_again_after_rename_and_deletion(self, append):
        first, second = alerter("a"), alerter("b")
        append(first, second)
        first.rename("c")
        second.delete()
        append(first, second)
        append(alerter("a"), alerter("b"))

    def test_two_names_can_be_swapped_through_a_third(self, append):
        first, second = alerter("a"), alerter("b")
        append(first, second)
        for component, name in ((first, "c"), (second, "a"), (first, "b")):
            component.rename(name)
            append(component)

    def test_names_of_stacks_are_unique_too(self, append, unchanged):
        append(*self.stack("prod", "a"))
        unchanged()
        with pytest.raises(NameTaken, match="a stack named 'prod' exists already"):
            append(*self.stack("prod", "b"))
        unchanged()

    def test_a_component_in_use_cannot_be_deleted(self, append, unchanged):
        orchestrator, store, stack = self.stack("prod", "a")
        append(orchestrator, store, stack)
        unchanged()
        orchestrator.delete()
        with pytest.raises(InUse, match="orchestrator 'a' is used by stack 'prod'"):
            append(orchestrator)
        unchanged()

    def test_a_component_can_be_deleted_with_its_last_stack(self, rows, append):
        orchestrator, store, stack = self.stack("prod", "a")
        append(orchestrator, store, stack)
        stack.delete()
        orchestrator.delete()
        append(stack, orchestrator)
        assert [row["until"] for row in rows("components") if row["type"] == ORCHESTRATOR] == [5]

    def test_a_stack_needs_existing_components(self, append, unchanged):
        orchestrator, store, stack = self.stack("prod", "a")
        append(orchestrator, store)
        orchestrator.delete()
        append(orchestrator)
        unchanged()
        with pytest.raises(NotFound, match=r"there is no orchestrator .* deleted concurrently"):
            append(stack)
        unchanged()

    def test_an_active_stack_cannot_be_deleted(self, append, unchanged):
        orchestrator, store, stack = self.stack("prod", "a")
        append(orchestrator, store, stack, Activation.register("project:x", stack.id))
        unchanged()
        stack.delete()
        with pytest.raises(StackActive, match="stack 'prod' is active"):
            append(stack)
        unchanged()

    def test_a_deleted_stack_cannot_be_activated(self, append, unchanged):
        orchestrator, store, stack = self.stack("prod", "a")
        append(orchestrator, store, stack)
        stack.delete()
        append(stack)
        unchanged()
        with pytest.raises(NotFound, match="there is no stack"):
            append(Activation.register("global", stack.id))
        unchanged()

    # -- many at once

    def test_threads_take_turns(self, log, rows, append):
        refused = []

        def work(thread):
            for number in range(10):
                append(alerter(f"own-{thread}-{number}"))
                try:
                    append(alerter(f"shared-{number}"))
                except NameTaken as error:
                    refused.append(error)

        threads = [threading.Thread(target=work, args=(thread,)) for thread in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(refused) == 30
        records = self.records(rows)
        assert len(records) == 50
        assert_chained(records)

    # -- how it is said above

    @staticmethod
    def stack(name: str, part: str) -> tuple[Component, Component, Stack]:
        orchestrator = Component.register(ORCHESTRATOR, part, "f", {})
        store = Component.register(STORE, part, "f", {})
        composition = {ORCHESTRATOR: [orchestrator.id], STORE: [store.id]}
        return orchestrator, store, Stack.register(name, composition)

    @staticmethod
    def load(log: Any, id: UUID) -> Any:
        aggregate = None
        for stored_event in log.select_events(id):
            aggregate = MAPPER.to_domain_event(stored_event).mutate(aggregate)
        return aggregate

    def stored(self, rows: Rows) -> list[Any]:
        return [stored(record) for record in self.records(rows)]


class UnknownToReadModels:
    """An event that no read model folds."""

    TOPIC = "unknown.asked"
