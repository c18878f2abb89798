"""What a log is made of: recorder, read models, mapper, ledger."""

from typing import NamedTuple

from eventsourcing.persistence import EventStore

from stackfold.application.ledger import Ledger
from stackfold.infrastructure.author import author
from stackfold.infrastructure.database import Database
from stackfold.infrastructure.event_mapper import EventMapper
from stackfold.infrastructure.projector import Projector
from stackfold.infrastructure.queries import SqlQueries
from stackfold.infrastructure.recorder import Recorder
from stackfold.infrastructure.snapshots import ReadModelSnapshots
from stackfold.infrastructure.tables import TABLES


class Parts(NamedTuple):
    """The log of a database, and the ledger that services use it by."""

    log: Recorder
    ledger: Ledger


def wire(database: Database) -> Parts:
    """Put the parts together for one database."""
    projector = Projector(SqlQueries(database), database)
    log = Recorder(database, TABLES, projector)
    store = EventStore(EventMapper(), log)
    return Parts(log, Ledger(store, ReadModelSnapshots(database), author, log.exclusive))
