"""Folds events into the read models, inside the transaction that appends them."""

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from stackfold.application.queries import Queries
from stackfold.application.read_models.guards import GUARDS
from stackfold.application.read_models.projection import Plain, Row, Temporal, Write
from stackfold.domain.component_type import ComponentType
from stackfold.domain.errors import NameTaken
from stackfold.domain.events import DomainEvent


class Projector:
    """Keeps the tables of the read models in step with the log."""

    def __init__(
        self, temporal: Sequence[Temporal], plain: Sequence[Plain], queries: Queries
    ) -> None:
        """Prepare the statements for the read models.

        Args:
            temporal: Read models with a row per revision.
            plain: Read models with a row per fact.
            queries: What the guards ask; must see the transaction that events are folded in.
        """
        self._temporal = temporal
        self._plain = plain
        self._queries = queries
        self._tables = {event: _Table(model) for model in temporal for event in model.events}
        self._folds = {event: model.fold for model in plain for event in model.events}

    def create_tables(self, cursor: sqlite3.Cursor) -> None:
        """Create the tables of all read models, empty."""
        for temporal in self._temporal:
            for statement in _definitions(temporal):
                cursor.execute(statement)
        for plain in self._plain:
            for table, columns in plain.tables.items():
                cursor.execute(f"CREATE TABLE {table} ({columns})")
            for number, index in enumerate(plain.indexes):
                table = index.split()[0]
                cursor.execute(f"CREATE INDEX {table}_{number} ON {index}")

    def project(
        self, cursor: sqlite3.Cursor, event: DomainEvent, position: int, recorded_at: str
    ) -> None:
        """Fold one event into the read models.

        Raises:
            NameTaken: It would give a name to a second living thing.
            StackfoldError: What holds between aggregates forbids it.
        """
        kind = type(event)
        if kind in self._tables:
            self._revise(cursor, self._tables[kind], event, position, recorded_at)
        elif kind in self._folds:
            for write in self._folds[kind](event, position, recorded_at):
                _perform(cursor, write)

    def _revise(
        self,
        cursor: sqlite3.Cursor,
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
        guard = GUARDS.get(type(event))
        if guard:
            guard(self._queries, event, row)
        after = table.model.fold(row, event)
        if after is None:
            return
        envelope = (id, event.originator_version, position, created, recorded_at, event.by)
        try:
            cursor.execute(table.insert, (*envelope, *table.encoded(after)))
        except sqlite3.IntegrityError as error:
            raise _name_taken(table.model, after) from error


class _Table:
    """The statements for one temporal read model."""

    def __init__(self, model: Temporal) -> None:
        self.model = model
        self._json = [column in model.json for column in model.columns]
        columns = ", ".join(model.columns)
        marks = ", ".join("?" for _ in model.columns)
        self.select = (
            f"SELECT since, created, {columns} FROM {model.table} WHERE id = ? AND until IS NULL"
        )
        self.select_created = f"SELECT created FROM {model.table} WHERE id = ? AND revision = 1"
        self.close = f"UPDATE {model.table} SET until = ?, ended = ? WHERE id = ? AND since = ?"
        self.insert = (
            f"INSERT INTO {model.table} (id, revision, since, created, updated, by, {columns}) "
            f"VALUES (?, ?, ?, ?, ?, ?, {marks})"
        )

    def encoded(self, row: Row) -> list[Any]:
        pairs = zip(row, self._json, strict=True)
        return [canonical(value) if is_json else value for value, is_json in pairs]

    def decoded(self, values: Sequence[Any]) -> Row:
        pairs = zip(values, self._json, strict=True)
        decoded = (json.loads(value) if is_json else value for value, is_json in pairs)
        row: Row = self.model.row(*decoded)
        return row


def _definitions(model: Temporal) -> list[str]:
    table, unique = model.table, ", ".join(model.unique)
    columns = "".join(f", {column} TEXT NOT NULL" for column in model.columns)
    return [
        f"CREATE TABLE {table} (id TEXT NOT NULL, revision INTEGER NOT NULL, "
        "since INTEGER NOT NULL, until INTEGER, created TEXT NOT NULL, updated TEXT NOT NULL, "
        f"ended TEXT, by TEXT NOT NULL{columns}, PRIMARY KEY (id, since))",
        f"CREATE UNIQUE INDEX {table}_now ON {table} (id) WHERE until IS NULL",
        f"CREATE UNIQUE INDEX {table}_named ON {table} ({unique}) WHERE until IS NULL",
        f"CREATE INDEX {table}_begun ON {table} (since) WHERE revision = 1",
    ]


def _perform(cursor: sqlite3.Cursor, write: Write) -> None:
    if write.action == "insert":
        values = {**write.key, **write.values}
        marks = ", ".join("?" for _ in values)
        cursor.execute(
            f"INSERT INTO {write.table} ({', '.join(values)}) VALUES ({marks})",
            list(values.values()),
        )
    else:
        settings = ", ".join(f"{column} = ?" for column in write.values)
        where = " AND ".join(f"{column} = ?" for column in write.key)
        cursor.execute(
            f"UPDATE {write.table} SET {settings} WHERE {where}",
            [*write.values.values(), *write.key.values()],
        )


def _name_taken(model: Temporal, row: Row) -> NameTaken:
    values = dict(zip(model.columns, row, strict=True))
    noun = ComponentType(values["type"]).noun if "type" in values else ""
    kind = f"{noun} flavor" if model.kind == "flavor" else noun or model.kind
    return NameTaken(kind, values["name" if "name" in values else "scope"])


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces, in which equal values are equal texts."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
