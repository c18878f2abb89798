"""Folds events into the read models, inside the transaction that appends them."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import orjson
from eventsourcing.persistence import IntegrityError

from stackfold.application.eventsourcing.cells import cell
from stackfold.application.eventsourcing.constraints import CONSTRAINTS
from stackfold.application.eventsourcing.projection import Derived, Row, TemporalProjection, Write
from stackfold.application.eventsourcing.read_models import plain, temporal
from stackfold.application.stacks.queries import Queries
from stackfold.domain.errors import NameTaken
from stackfold.domain.eventsourcing.aggregate import DomainEvent
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.database.protocol import Cursor, Database


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
        topic = event.TOPIC.partition(".")[0]
        table = _table(topic)
        if table:
            self._revise(cursor, table, event, position, recorded_at)
            return
        for model in plain(topic):
            if type(event) in model.events:
                for write in model.fold(event, position, recorded_at):
                    cursor.execute(*statement(write, self._database.main))

    def _revise(
        self,
        cursor: Cursor,
        table: "_Table",
        event: DomainEvent,
        position: int,
        recorded_at: str,
    ) -> None:
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
        guard = CONSTRAINTS.get(event.TOPIC)
        if guard:
            guard(self._queries, event, row)
        after = table.model.fold(row, event)
        if after is None:
            return
        envelope = (id, event.originator_version, position, created, recorded_at, event.by)
        try:
            cursor.execute(table.insert, (*envelope, *encoded(after, table.in_json)))
        except self._database.conflict as error:
            if table.model.kind == "activation":
                # Its scope made a first choice meanwhile: a lost race like any other.
                raise IntegrityError(str(error)) from error
            raise _name_taken(table.model, after) from error


class _Table:
    """The statements for one temporal read model."""

    def __init__(self, model: TemporalProjection) -> None:
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
def _table(topic: str) -> _Table | None:
    """The statements for the read model of a topic's aggregates; None if it has none."""
    model = temporal(topic)
    return _Table(model) if model else None


def encoded(row: Row, in_json: Sequence[bool]) -> list[Any]:
    """A row's values as its table holds them; `in_json` says of each whether it is JSON there."""
    return [
        canonical(value) if is_json else value for value, is_json in zip(row, in_json, strict=True)
    ]


def json_columns(model: TemporalProjection) -> tuple[bool, ...]:
    """For each of a read model's own columns, whether it holds JSON."""
    return tuple(column in model.json for column in model.columns)


def statement(write: Write, schema: str) -> tuple[str, list[Any]]:
    """The SQL that changes plain rows, and its parameters."""
    table = f"{schema}.{write.table}"
    where = " AND ".join(f"{column} = ?" for column in write.key)
    key = [*write.key.values()]
    if write.action == "delete":
        return f"DELETE FROM {table} WHERE {where}", key
    given = write.values if write.action == "update" else {**write.key, **write.values}
    marks: list[str] = []
    parameters: list[Any] = []
    for value in given.values():
        if isinstance(value, Derived):
            marks.append(f"({value.expression.format(schema=schema)})")
            parameters += value.parameters
        else:
            marks.append("?")
            parameters.append(value)
    if write.action == "update":
        settings = ", ".join(f"{c} = {m}" for c, m in zip(given, marks, strict=True))
        return f"UPDATE {table} SET {settings} WHERE {where}", parameters + key
    insertion = f"INSERT INTO {table} ({', '.join(given)}) VALUES ({', '.join(marks)})"
    if write.action == "ensure":
        insertion += f" ON CONFLICT ({', '.join(write.key)}) DO NOTHING"
    return insertion, parameters


def _name_taken(model: TemporalProjection, row: Row) -> NameTaken:
    values = dict(zip(model.columns, row, strict=True))
    noun = ComponentType(values["type"]).noun if "type" in values else ""
    kind = f"{noun} flavor" if model.kind == "flavor" else noun or model.kind
    return NameTaken(kind, values["name"])


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces, in which equal values are equal texts."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
