"""Connects the parts of the event store of a database."""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from stackfold.application.eventsourcing.acting import Acting
from stackfold.application.eventsourcing.repository import EventLog, Repository
from stackfold.domain.eventsourcing.metadata import EventMetadata
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.eventstore.snapshots import ReadModelSnapshots
from stackfold.infrastructure.system.author import author

if TYPE_CHECKING:
    from stackfold.infrastructure.eventstore.event_mapper import EventMapper
    from stackfold.infrastructure.eventstore.recorder import Load, Recorder
    from stackfold.infrastructure.policies.judge import PolicyJudge


class EventStoreComponents:
    """The recorder and the repository of a database; the recorder is created on first use."""

    def __init__(
        self,
        database: Database,
        acting: Acting | None = None,
        extend: "Callable[[Load], Callable[[], None]] | None" = None,
        judge: "Callable[[], PolicyJudge] | None" = None,
    ) -> None:
        """Connect the parts.

        Args:
            database: Holds the log.
            acting: Knows who acts; None for the user who runs the process.
            extend: (loads a stored event) → what the recorder calls in each transaction after
                events were appended; None for nothing.
            judge: Returns what asks the policies about each change; None for one that has no
                policies, and so rejects what an enabled one governs.
        """
        self._database = database
        self._acting = acting or Acting(author)
        self._extend = extend
        self._judge = judge or self._without_policies

    @cached_property
    def repository(self) -> Repository:
        """Loads and saves aggregates."""
        database = self._database
        return Repository(
            self._event_log, ReadModelSnapshots(database), database.aggregates, self._metadata
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
        after_append = self._extend(self._mapper.load) if self._extend else None
        load = self._mapper.load
        return Recorder(database, tables, projector, load, self._judge(), after_append)

    def _without_policies(self) -> "PolicyJudge":
        from stackfold.infrastructure.policies.judge import NoPolicies, PolicyJudge

        return PolicyJudge(self._database, NoPolicies(), NoPolicies.readers)

    def _metadata(self) -> EventMetadata:
        return self._acting.metadata()._replace(database_role=self._database.role)

    def _event_log(self) -> EventLog:
        from eventsourcing.persistence import EventStore

        return EventLog(EventStore(self._mapper, self.log), self.log.exclusive)

    @cached_property
    def _mapper(self) -> "EventMapper":
        from stackfold.infrastructure.eventstore.event_mapper import EventMapper

        return EventMapper(self._database.aggregates)
