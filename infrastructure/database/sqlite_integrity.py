"""Checks and repairs SQLite files: pages, indexes and definitions."""

import re
import sqlite3
from collections.abc import Iterator

from stackfold.infrastructure.database import log_tables
from stackfold.infrastructure.database.protocol import Fault
from stackfold.infrastructure.database.read_model_tables import ReadModelTables

REBUILD = "the log itself is intact: `stackfold log rebuild` recreates indexes and read models"
COPY = "copy what can be read with `stackfold log fork NEW_HOME`, or restore the file from a backup"


def lying_index(connection: sqlite3.Connection) -> Fault | None:
    """The first index of the events that differs from the table; None if none does.

    Raises:
        sqlite3.Error: The table cannot be read.
    """
    connection.execute("SELECT count(*), max(position) FROM events NOT INDEXED").fetchall()
    for name, columns, where in _indexes_of_events(connection):
        table, index = (
            f"SELECT {columns} FROM events {how}{where}"
            for how in ("NOT INDEXED", f'INDEXED BY "{name}"')
        )
        problem = f"differs between the index {name!r} and the log"
        try:
            for one, other in ((table, index), (index, table)):
                ((position,),) = connection.execute(
                    f"SELECT min(position) FROM (SELECT * FROM ({one}) EXCEPT "
                    f"SELECT * FROM ({other}))"
                )
                if position is not None:
                    return Fault(problem, REBUILD, position)
            ((rows,), (entries,)) = (
                connection.execute(f"SELECT count(*) FROM ({each})").fetchone()
                for each in (table, index)
            )
        except sqlite3.DatabaseError:
            return Fault(f"the index {name!r} of the events is damaged", REBUILD)
        if rows != entries:
            return Fault(f"the index {name!r} of the events has entries twice", REBUILD)
    return None


def _indexes_of_events(connection: sqlite3.Connection) -> Iterator[tuple[str, str, str]]:
    """Name, columns and condition of each index of the events."""
    for _, name, *_ in connection.execute("PRAGMA index_list(events)").fetchall():
        info = connection.execute(f'PRAGMA index_info("{name}")').fetchall()
        columns = dict.fromkeys(["position", *(column for *_, column in info if column)])
        rows = connection.execute("SELECT sql FROM sqlite_schema WHERE name = ?", [name])
        condition = (rows.fetchone()[0] or "").partition(" WHERE ")[2]
        yield name, ", ".join(columns), f" WHERE {condition}" if condition else ""


def damage(connection: sqlite3.Connection) -> Fault | None:
    """The first fault that `PRAGMA integrity_check` finds; None if it finds none."""
    try:
        found = [text for (text,) in connection.execute("PRAGMA integrity_check(10)")]
    except sqlite3.DatabaseError as error:
        found = [str(error)]
    if found == ["ok"]:
        return None
    lines = [line for text in found for line in str(text).splitlines() if "***" not in line]
    names = {_object(connection, line) for line in lines}
    remedy = COPY if names & {"events", ""} else REBUILD
    objects = f" ({', '.join(sorted(filter(None, names)))})" if any(names) else ""
    return Fault(f"the database is damaged{objects}: {lines[0]}", remedy)


def _object(connection: sqlite3.Connection, line: str) -> str:
    """The table or index that a line of the check names; empty if it names none."""
    named = re.search(r"index (\S+)$", line)
    if named:
        return named[1]
    page = re.search(r"[Tt]ree (?:page )?(\d+)", line)
    if page:
        rows = connection.execute(
            "SELECT name FROM sqlite_schema WHERE rootpage = ?", [int(page[1])]
        ).fetchall()
        return str(rows[0][0]) if rows else ""
    return ""


def missing(connection: sqlite3.Connection) -> Fault | None:
    """The first trigger or index that is missing or differs from its definition."""
    for kind, name, wanted, found in _differences(connection):
        if wanted is None:
            return Fault(f"the trigger {name!r} is unknown", "drop it, or find out who added it")
        what = f"the {kind} {name!r} {'differs from its definition' if found else 'is missing'}"
        if name == "events":
            return Fault(what, COPY)
        why = ", which keeps the log append-only" if kind == "trigger" else ""
        return Fault(what + why, "`stackfold log rebuild` recreates it")
    return None


def _differences(
    connection: sqlite3.Connection,
) -> Iterator[tuple[str, str, str | None, str | None]]:
    """Kind, name, expected and actual definition of everything that differs, triggers first."""
    found = _definitions(connection)
    wanted = _wanted()
    if found.get(("table", "events")) == log_tables.EVENTS_WITH_DUPLICATES:
        wanted["table", "events"] = log_tables.EVENTS_WITH_DUPLICATES
        wanted["index", "events_by_revision"] = log_tables.BY_REVISION
        # The positions that the index allows are those of the duplicates in the log.
        revisions = found.get(("index", "events_revisions")) or ""
        known = revisions.startswith(log_tables.ONE_OF_A_REVISION)
        wanted["index", "events_revisions"] = revisions if known else log_tables.ONE_OF_A_REVISION
    for kind in ("trigger", "table", "index"):
        for key, definition in wanted.items():
            if key[0] == kind and found.get(key) != definition:
                yield *key, definition, found.get(key)
    for kind, name in found.keys() - wanted.keys():
        if kind == "trigger":
            yield kind, name, None, None


def _definitions(connection: sqlite3.Connection) -> dict[tuple[str, str], str]:
    rows = connection.execute("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL")
    return {(kind, name): sql for kind, name, sql in rows}


def _wanted() -> dict[tuple[str, str], str]:
    from stackfold.infrastructure.database.sqlite import SqliteDatabase

    database = SqliteDatabase.in_memory()
    try:
        with database.write() as cursor:
            log_tables.create(cursor, database)
            ReadModelTables(database.aggregates).create(cursor, database.main)
            ReadModelTables(database.aggregates).create_indexes(cursor)
            return _definitions(cursor.connection)
    finally:
        database.close()


def repair(connection: sqlite3.Connection) -> None:
    """Recreate damaged triggers and indexes of the events."""
    for kind, name, wanted, found in [*_differences(connection)]:
        repairable = kind == "trigger" or (kind == "index" and name.startswith("events_"))
        if wanted is None or not repairable or wanted == log_tables.ONE_OF_A_REVISION:
            continue
        if found:
            connection.execute(f"DROP {kind} {name}")
        connection.execute(wanted)
    try:
        connection.execute("REINDEX events")
    except sqlite3.IntegrityError:
        # The log has two events of one revision: the rebuild reports them, a copy can hold both.
        return
