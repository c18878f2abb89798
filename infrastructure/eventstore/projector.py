"""Folds events into the read models, inside the transaction that appends them."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from eventsourcing.persistence import IntegrityError

from stackfold.application.eventsourcing.aggregate_type import AggregateType
from stackfold.application.eventsourcing.cells import cell
from stackfold.application.eventsourcing.projection import (
    Lookup,
    NextNumber,
    Row,
    RowChange,
    TemporalProjection,
)
from stackfold.application.eventsourcing.read_model import ReadModel
from stackfold.application.stacks.queries import Queries
from stackfold.domain.errors import NameTaken
from stackfold.domain.eventsourcing.event import DomainEvent
from stackfold.infrastructure.database.protocol import Cursor, Database
from stackfold.infrastructure.eventstore.canonical_json import canonical_json


class Projector:
    """Keeps the tables of the read models in step with the log."""

    def __init__(self, queries: Queries, database: Database) -> None:
        """Keep the tables in `database`; `queries` must see the transaction that is folded in."""
        self._queries = queries
        self._database = database

    def project(self, cursor: Cursor, event: DomainEvent, position: int, recorded_at: str) -> None:
        """Fold one event into the read models.

        Raises:
            NameTaken: It would give a name to a second living thing.
            IntegrityError: It would be a scope's second first choice.
            StackfoldError: What holds between aggregates forbids it.
        """
        declared = self._database.aggregates.type_of(event.TOPIC)
        if declared is None:
            return  # the mapper refuses what no type declares
        if declared.projection:
            self._revise(cursor, declared, declared.projection, event, position, recorded_at)
        for projection in declared.tables:
            for change in projection.apply(event, position, recorded_at):
                cursor.execute(*statement(change, self._database.main))

    def _revise(
        self,
        cursor: Cursor,
        declared: AggregateType,
        projection: TemporalProjection,
        event: DomainEvent,
        position: int,
        recorded_at: str,
    ) -> None:
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
                # It was deleted and is there again; it was created when it was first there.
                ((created,),) = cursor.execute(table.select_created, (id,)).fetchall()
        constraint = declared.constraints.get(event.TOPIC)
        if constraint:
            constraint(self._queries, event, row)
        after = projection.apply(row, event)
        if after is None:
            return
        envelope = (id, event.originator_version, position, created, recorded_at, author_of(event))
        try:
            cursor.execute(table.insert, (*envelope, *encoded(after, table.in_json)))
        except self._database.conflict as error:
            if table.model.duplicate == "lost race":
                raise IntegrityError(str(error)) from error
            name = str(table.model.unique_values(after)[-1])
            raise NameTaken(table.model.noun_of(after), name) from error


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
        self.in_json = json_columns(model)
        self.insert = (
            f"INSERT INTO {model.table} (id, revision, since, created, updated, by, {columns}) "
            f"VALUES (?, ?, ?, ?, ?, ?, {marks})"
        )

    def decoded(self, values: Sequence[Any]) -> Row:
        pairs = zip(values, self.in_json, strict=True)
        decoded = (cell(value) if is_json else value for value, is_json in pairs)
        row: Row = self.model.row(*decoded)
        return row


@cache
def _statements(model: ReadModel) -> _Statements:
    return _Statements(model)


def author_of(event: DomainEvent) -> str:
    """Who made the change that an event is of."""
    return event.event_metadata.by if event.event_metadata else ""


def encoded(row: Row, in_json: Sequence[bool]) -> list[Any]:
    """A row's values as its table holds them; `in_json` says of each whether it is JSON there."""
    return [
        canonical_json(value).decode() if is_json else value
        for value, is_json in zip(row, in_json, strict=True)
    ]


def json_columns(model: ReadModel) -> tuple[bool, ...]:
    """For each of a read model's own columns, whether it holds JSON."""
    return tuple(column in model.json for column in model.columns)


def statement(change: RowChange, schema: str) -> tuple[str, list[Any]]:
    """The SQL that changes rows of a table in a schema, and its parameters."""
    table = f"{schema}.{change.table}"
    where = " AND ".join(f"{column} = ?" for column in change.key)
    key = [*change.key.values()]
    if change.action == "delete":
        return f"DELETE FROM {table} WHERE {where}", key
    values = change.values if change.action == "update" else {**change.key, **change.values}
    marks: list[str] = []
    parameters: list[Any] = []
    for column in values:
        mark, given = _expression(change.table, column, values, schema)
        marks.append(mark)
        parameters += given
    if change.action == "update":
        settings = ", ".join(f"{c} = {m}" for c, m in zip(values, marks, strict=True))
        return f"UPDATE {table} SET {settings} WHERE {where}", parameters + key
    return f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join(marks)})", parameters


def _expression(
    table: str, column: str, values: Mapping[str, Any], schema: str
) -> tuple[str, list[Any]]:
    """The SQL for the value of a column, and its parameters."""
    match values[column]:
        case Lookup(other, wanted, id):
            return f"(SELECT {wanted} FROM {schema}.{other} WHERE id = ?)", [id]
        case NextNumber(among):
            conditions, parameters = [], []
            for each in among:
                mark, given = _expression(table, each, values, schema)
                conditions.append(f"{each} = {mark}")
                parameters += given
            largest = f"SELECT coalesce(max({column}), 0) + 1 FROM {schema}.{table}"
            return f"({largest} WHERE {' AND '.join(conditions)})", parameters
        case value:
            return "?", [value]
