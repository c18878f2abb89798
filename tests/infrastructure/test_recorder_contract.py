"""The recorder passes the eventsourcing library's own specification of recorders."""

import pytest
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.popo import POPOTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from eventsourcing.tests.persistence import ApplicationRecorderTestCase

from stackfold.domain.stacks.stack import Stack
from stackfold.infrastructure.database.postgres import PostgresDatabase
from stackfold.infrastructure.database.sqlite import SqliteDatabase
from stackfold.infrastructure.eventstore.wiring import EventStoreComponents
from stackfold.infrastructure.system.database_url import parse_database_url


class RecorderSpecification(ApplicationRecorderTestCase):
    """All but the timings, which the library only prints."""

    __test__ = False
    test_performance = None
    test_concurrent_throughput = None

    @pytest.mark.slow
    def test_concurrent_no_conflicts(self, initial_position=0):
        super().test_concurrent_no_conflicts(initial_position)

    def test_insert_subscribe(self):
        self.optional_test_insert_subscribe()


class TestOnSqlite(RecorderSpecification):
    __test__ = True

    def create_recorder(self):
        database = SqliteDatabase.in_memory()
        self.addCleanup(database.close)
        recorder = EventStoreComponents(database).log
        recorder.create_tables()
        return recorder


class TestOnPostgres(RecorderSpecification):
    __test__ = True

    @pytest.fixture(autouse=True)
    def _lend_a_database(self, postgres):
        with postgres.lent() as url:
            self.database = PostgresDatabase.open(parse_database_url(url))
            yield
            self.database.close()

    def create_recorder(self):
        recorder = EventStoreComponents(self.database).log
        recorder.create_tables()
        return recorder


class Names(POPOTrackingRecorder):
    """A read model of one's own: the names of all stacks that were ever registered."""

    def __init__(self):
        super().__init__()
        self.names = []


class StackNames(Projection[Names]):
    topics = (Stack.Registered.TOPIC,)

    @singledispatchmethod
    def process_event(self, event, tracking):
        raise AssertionError(f"{event} was not asked for")

    @process_event.register
    def registered(self, event: Stack.Registered, tracking):
        self.view.names.append(event.name)
        self.view.insert_tracking(tracking)


def test_the_librarys_projection_runner_follows_our_log(ws):
    ws.stacks.register("a", orchestrator="default", artifact_store="default")

    with ProjectionRunner(
        application_class=ws.log.application_class(),
        projection_class=StackNames,
        view_class=Names,
    ) as runner:
        ws.stacks.register("b", orchestrator="default", artifact_store="default")
        last = [event.position for event in ws.log.events() if event.topic == "stack.registered"]
        runner.wait(last[-1])

        assert runner.view.names == ["default", "a", "b"]


def test_the_librarys_notification_log_reads_our_log(ws):
    log = ws.log.application_class()().notification_log

    topics = [each.topic for each in log.select(start=1, limit=2)]

    assert topics == [event.topic for event in ws.log.events(upto=2)]
