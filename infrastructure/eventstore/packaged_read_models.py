"""The tables of read models of other packages, which are created when they are first needed.

A registry in the log's database says which of them are current, and for which version of their
declaration. So a program without a package need not know its tables: where it cannot maintain them
it removes them from the registry, and a program with the package builds them again.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from stackfold.application.eventsourcing.aggregate_type import AggregateType
from stackfold.domain.errors import AggregateSkipped, InvalidAggregate, StackfoldWarning
from stackfold.domain.eventsourcing.topics import aggregate_topic, is_prefixed_event
from stackfold.infrastructure.database.package_registry import (
    INVALID,
    PackageRegistry,
    registration_of,
)
from stackfold.infrastructure.database.protocol import Cursor, Database
from stackfold.infrastructure.database.read_model_tables import ReadModelTables
from stackfold.infrastructure.eventstore.records import package_in


class PackagedReadModels:
    """Builds the tables of aggregates of other packages, and knows which are current."""

    def __init__(self, database: Database) -> None:
        """Use the tables in a database.

        Args:
            database: Holds the log; its aggregates declare the read models.
        """
        self._database = database
        self.registry = PackageRegistry(database)

    def prepare(self, cursor: Cursor, stored: Sequence[Any], events: Sequence[Any]) -> None:
        """Prepare the tables for events that will be appended next.

        Args:
            cursor: Executes statements in the transaction that appends the events.
            stored: The events as they are stored.
            events: The same events as objects; None for one that no aggregate type declares.

        Raises:
            InvalidAggregate: A newer version of the package built the tables.
            UnreadableEvent: An earlier event of the aggregates cannot be loaded.
        """
        for each, event in zip(stored, events, strict=True):
            if is_prefixed_event(each.topic):
                topic = aggregate_topic(each.topic)
                declared = self._database.aggregates.type_of(topic)
                if event is None or declared is None:
                    self.forget(cursor, topic)
                elif not self.registry.is_current(declared):
                    self._build(cursor, declared)

    def require(self, declared: AggregateType) -> None:
        """Build the tables of an aggregate type if they are not current.

        Raises:
            InvalidAggregate: A newer version of the package built the tables.
            UnreadableEvent: An event of the aggregates cannot be loaded.
            LogUnavailable: The tables cannot be created.
        """
        if not self.registry.is_current(declared):
            with self._database.write() as cursor:
                if not self.registry.is_current(declared):
                    self._build(cursor, declared)

    def verifiable(self, skipped: list[StackfoldWarning]) -> Iterator[AggregateType]:
        """The aggregate types with current tables.

        Args:
            skipped: Receives why the other tables of the registry cannot be verified.
        """
        for topic, version, *_ in self.registry.all():
            if version == INVALID:
                continue
            declared = self._database.aggregates.type_of(topic)
            try:
                if declared is None:
                    skipped.append(AggregateSkipped(topic, self.unknown(topic)))
                elif self.registry.is_current(declared):
                    yield declared
            except InvalidAggregate as error:
                skipped.append(AggregateSkipped(topic, error.problem))

    def forget(self, cursor: Cursor, topic: str) -> None:
        """Empty the tables of an aggregate, which are not current any longer.

        Args:
            cursor: Executes statements in a transaction.
            topic: The topic of the aggregate.
        """
        found = self.registry.find(topic)
        if found is None:
            return
        cursor.execute("SAVEPOINT emptied")
        try:
            for table in found.tables:
                cursor.execute(f"DELETE FROM {table}")
            self.registry.invalidate(cursor, topic)
        except Exception:
            # A table is missing or damaged, so that it must be created again.
            cursor.execute("ROLLBACK TO emptied")
            self.registry.remove(cursor, topic)
        cursor.execute("RELEASE emptied")

    def rebuild(self, cursor: Cursor) -> list[AggregateSkipped]:
        """Build the tables of the registry again; forget those that cannot be built.

        Returns:
            Why some could not be built.
        """
        problems = []
        for topic, version, *_ in self.registry.all():
            declared = self._database.aggregates.type_of(topic)
            if version == INVALID and declared is None:
                continue
            if declared is None:
                self.forget(cursor, topic)
                problems.append(AggregateSkipped(topic, self.unknown(topic)))
                continue
            cursor.execute("SAVEPOINT packaged")
            try:
                self._build(cursor, declared)
            except Exception as error:
                # The code of a package may raise anything, and must not prevent the rest.
                cursor.execute("ROLLBACK TO packaged")
                self.forget(cursor, topic)
                problem = " ".join(f"{type(error).__name__}: {error}".split())
                problems.append(AggregateSkipped(topic, problem[:300]))
            cursor.execute("RELEASE packaged")
        return problems

    def unknown(self, topic: str) -> str:
        """Why an aggregate cannot be used, and what to do.

        Args:
            topic: The topic of the aggregate.
        """
        problem = self._database.aggregates.problem_of(topic)
        if problem:
            return problem
        begin = f"{topic}."
        rows = self._database.read(
            f"SELECT state FROM events WHERE substr(topic, 1, {len(begin)}) = ? "
            "ORDER BY position DESC LIMIT 1",
            (begin,),
        )
        package = next((package_in(state) for (state,) in rows), None)
        if package is None:
            return "no package declares it: give its type to the workspace"
        return f"its package {package!r} is not installed"

    def _build(self, cursor: Cursor, declared: AggregateType) -> None:
        from stackfold.infrastructure.eventstore.rebuild import Fold, events

        topic, tables = declared.topic, ReadModelTables.of(declared)
        found = self.registry.find(topic)
        wanted = registration_of(declared)
        unchanged = found is not None and found._replace(version=wanted.version) == wanted
        created = not unchanged or self._database.drops_unseen
        if not created:
            # A role that does not own the tables may delete rows only.
            tables.clear(cursor)
        else:
            for table in {*(found.tables if found else ()), *tables.names()}:
                cursor.execute(f"DROP TABLE IF EXISTS {table}")
            tables.create(cursor, self._database.main)
        fold = Fold(self._database, cursor, self._database.main, topic)
        fold.run(events(self._database, topic))
        if created:
            tables.create_indexes(cursor)
        self.registry.add(cursor, wanted)
