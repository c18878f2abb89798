"""Projects events into the read models, inside the transaction that appends them."""

from collections.abc import Sequence
from functools import cache
from typing import Any
from uuid import UUID

from eventsourcing.persistence import IntegrityError

from stackfold.application.eventsourcing.aggregate_type import AggregateType
from stackfold.application.eventsourcing.cells import cell
from stackfold.application.eventsourcing.projection import Row, TemporalProjection
from stackfold.application.eventsourcing.read_model import ReadModel
from stackfold.application.stacks.queries import StackQueries
from stackfold.domain.errors import NameTaken
from stackfold.domain.eventsourcing.event import DomainEvent
from stackfold.domain.eventsourcing.topics import is_prefixed_event
from stackfold.infrastructure.database.log_index import (
    FIRST_NAME,
    NAME_BEFORE,
    IndexEntry,
    author_of,
    fact_entry,
    package_entry,
    revision_entry,
)
from stackfold.infrastructure.database.protocol import Cursor, Database
from stackfold.infrastructure.eventstore.canonical_json import canonical_json
from stackfold.infrastructure.eventstore.hash_chain import Record
from stackfold.infrastructure.eventstore.row_statements import statement

_INDEX = f"INSERT INTO log_entries ({', '.join(IndexEntry._fields)}) VALUES (?, ?, ?, ?)"


class Projector:
    """Updates the tables of the read models for each appended event."""

    def __init__(self, queries: StackQueries, database: Database) -> None:
        """Create a projector.

        Args:
            queries: Answers the questions of constraints, within the transaction.
            database: Holds the tables.
        """
        self._queries = queries
        self._database = database
        self._latest_name: tuple[UUID | str, str | None] | None = None
        """The id and first name of the aggregate of the latest event: the next is often its own."""

    def project(
        self, cursor: Cursor, event: DomainEvent, position: int, recorded_at: str
    ) -> Row | None:
        """Apply one event to the read models.

        Args:
            cursor: Executes statements in the transaction that appends the event.
            event: The event.
            position: Its position in the log.
            recorded_at: The time of recording: RFC 3339, UTC.

        Returns:
            The row of the aggregate before the event; None if there was none.

        Raises:
            NameTaken: The event gives a name that another aggregate has.
            IntegrityError: Another process has created the same row first.
            StackfoldError: A constraint forbids the event.
        """
        declared = self._database.aggregates.type_of(event.TOPIC)
        if declared is None:
            return None  # the mapper rejects events that no aggregate type declares
        row = None
        if declared.projection:
            row = self._revise(cursor, declared, declared.projection, event, position, recorded_at)
        elif constraint := declared.constraints.get(event.TOPIC):
            constraint(self._queries, event, None)
        if not declared.projection and not is_prefixed_event(event.TOPIC):
            cursor.execute(_INDEX, fact_entry(position, event, self._first_name(cursor, event)))
        for projection in declared.tables:
            for change in projection.apply(event, position, recorded_at):
                cursor.execute(*statement(change, self._database.main))
        return row

    def index(self, cursor: Cursor, record: Record) -> None:
        """Add an event of another package to the log index, whether it is declared or not.

        Args:
            cursor: Executes statements in the transaction that appends the event.
            record: The event as it is stored.
        """
        id, revision = record.originator_id, record.originator_version
        found = cursor.execute(NAME_BEFORE, (id, revision - 1)).fetchone() if revision > 1 else None
        name = str(found[0]) if found else None
        entry = package_entry(record.position, record.topic, id, record.state, name)
        cursor.execute(_INDEX, entry)

    def _first_name(self, cursor: Cursor, event: DomainEvent) -> str | None:
        id = event.originator_id
        latest = self._latest_name
        if event.originator_version == 1:
            name = getattr(event, "name", None)
        elif latest and latest[0] == id:
            return latest[1]
        else:
            found = cursor.execute(FIRST_NAME, (str(id),)).fetchone()
            name = str(found[0]) if found else None
        self._latest_name = (id, name)
        return name

    def _revise(
        self,
        cursor: Cursor,
        declared: AggregateType,
        projection: TemporalProjection,
        event: DomainEvent,
        position: int,
        recorded_at: str,
    ) -> Row | None:
        """Update the rows of an aggregate, and the log index; returns the row before the event."""
        table = _statements(projection.read_model)
        id = str(event.originator_id)
        created, row = recorded_at, None
        if event.originator_version > 1:
            found = cursor.execute(table.select, (id,)).fetchone()
            if found:
                since, created, *values = found
                row = table.decoded(values)
                cursor.execute(table.close, (position, recorded_at, id, since))
            else:
                # A restored aggregate was created when it was first registered.
                ((created,),) = cursor.execute(table.select_created, (id,)).fetchall()
        constraint = declared.constraints.get(event.TOPIC)
        if constraint:
            constraint(self._queries, event, row)
        after = projection.apply(row, event)
        if after is not None:
            author = author_of(event)
            envelope = (id, event.originator_version, position, created, recorded_at, author)
            try:
                cursor.execute(table.insert, (*envelope, *encoded(after, table.in_json)))
            except self._database.conflict as error:
                if table.model.duplicate == "lost race":
                    raise IntegrityError(str(error)) from error
                name = str(table.model.unique_values(after)[-1])
                raise NameTaken(table.model.noun_of(after), name) from error
        shown = after or row
        if shown is not None and not is_prefixed_event(event.TOPIC):
            cursor.execute(_INDEX, revision_entry(position, event, table.model, shown))
        return row


class _Statements:
    """The statements for one temporal read model."""

    def __init__(self, model: ReadModel) -> None:
        self.model = model
        columns = ", ".join(model.columns)
        marks = ", ".join("?" for _ in model.columns)
        self.select = (
            f"SELECT since, created, {columns} FROM {model.table} WHERE id = ? AND until IS NULL"
        )
        self.select_created = f"SELECT created FROM {model.table} WHERE id = ? AND revision = 1"
        self.close = f"UPDATE {model.table} SET until = ?, ended = ? WHERE id = ? AND since = ?"
        self.in_json = in_json(model)
        self.insert = (
            f"INSERT INTO {model.table} (id, revision, since, created, updated, by, {columns}) "
            f"VALUES (?, ?, ?, ?, ?, ?, {marks})"
        )

    def decoded(self, values: Sequence[Any]) -> Row:
        pairs = zip(values, self.in_json, strict=True)
        row: Row = self.model.row_of(
            [cell(value) if is_json else value for value, is_json in pairs]
        )
        return row


@cache
def _statements(model: ReadModel) -> _Statements:
    return _Statements(model)


def encoded(row: Row, in_json: Sequence[bool]) -> list[Any]:
    """The values of a row as its table stores them.

    Args:
        row: The row.
        in_json: For each value, whether it is stored as JSON.
    """
    return [
        canonical_json(value).decode() if is_json and value is not None else value
        for value, is_json in zip(row, in_json, strict=True)
    ]


def in_json(model: ReadModel) -> tuple[bool, ...]:
    """For each column of a read model, whether it is stored as JSON."""
    return tuple(column in model.json for column in model.columns)
