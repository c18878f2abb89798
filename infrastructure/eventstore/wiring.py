"""What a log is made of: recorder, read models, mapper, repository."""

from typing import NamedTuple

from eventsourcing.persistence import EventStore

from stackfold.application.eventsourcing.repository import Repository
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.eventstore.event_mapper import EventMapper
from stackfold.infrastructure.eventstore.projector import Projector
from stackfold.infrastructure.eventstore.read_model_tables import ReadModelTables
from stackfold.infrastructure.eventstore.recorder import Recorder
from stackfold.infrastructure.eventstore.snapshots import ReadModelSnapshots
from stackfold.infrastructure.queries.stacks import SqlQueries
from stackfold.infrastructure.system.author import author


class EventStoreComponents(NamedTuple):
    """The log of a database, and the repository that services use it by."""

    log: Recorder
    repository: Repository


def wire(database: Database) -> EventStoreComponents:
    """Put the parts together for one database."""
    projector = Projector(SqlQueries(database), database)
    mapper = EventMapper(database.aggregates)
    log = Recorder(database, ReadModelTables(database.aggregates), projector, mapper.load)
    store = EventStore(mapper, log)
    return EventStoreComponents(
        log,
        Repository(store, ReadModelSnapshots(database), database.aggregates, author, log.exclusive),
    )
