"""Connects the parts of the event store of a database."""

from functools import cached_property
from typing import TYPE_CHECKING

from stackfold.application.eventsourcing.repository import EventLog, Repository
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.eventstore.snapshots import ReadModelSnapshots
from stackfold.infrastructure.system.author import author

if TYPE_CHECKING:
    from stackfold.infrastructure.eventstore.event_mapper import EventMapper
    from stackfold.infrastructure.eventstore.recorder import Recorder


class EventStoreComponents:
    """The recorder and the repository of a database; the recorder is created on first use."""

    def __init__(self, database: Database) -> None:
        """Connect the parts for `database`."""
        self._database = database

    @cached_property
    def repository(self) -> Repository:
        """Loads and saves aggregates."""
        database = self._database
        return Repository(
            self._event_log, ReadModelSnapshots(database), database.aggregates, author
        )

    @cached_property
    def log(self) -> "Recorder":
        """The recorder."""
        from stackfold.infrastructure.database.read_model_tables import ReadModelTables
        from stackfold.infrastructure.eventstore.projector import Projector
        from stackfold.infrastructure.eventstore.recorder import Recorder
        from stackfold.infrastructure.queries.stacks import SqlQueries

        database = self._database
        projector = Projector(SqlQueries(database), database)
        tables = ReadModelTables(database.aggregates)
        return Recorder(database, tables, projector, self._mapper.load)

    def _event_log(self) -> EventLog:
        from eventsourcing.persistence import EventStore

        return EventLog(EventStore(self._mapper, self.log), self.log.exclusive)

    @cached_property
    def _mapper(self) -> "EventMapper":
        from stackfold.infrastructure.eventstore.event_mapper import EventMapper

        return EventMapper(self._database.aggregates)
