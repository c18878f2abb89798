"""An `Application` of the eventsourcing library on our log, for the library's runners."""

from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.persistence import ApplicationRecorder, Mapper

from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.eventstore.event_mapper import EventMapper
from stackfold.infrastructure.eventstore.wiring import EventStoreComponents


def application_class(database: Database) -> type[Application[UUID]]:
    """The class of an application that works on the log in a database.

    Runners of the library construct the application themselves, so they need a class. Closing the
    application does not close the database.
    """

    class LogApplication(Application[UUID]):
        """An application of the eventsourcing library on a log of Stackfold."""

        name = "stackfold"

        def construct_mapper(self) -> Mapper[UUID]:
            """The mapper of the log."""
            return EventMapper(database.aggregates)

        def construct_recorder(self) -> ApplicationRecorder:
            """The recorder of the log, which also updates the read models."""
            return EventStoreComponents(database).log

    return LogApplication
