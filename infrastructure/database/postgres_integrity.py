"""Checks and repairs logs in PostgreSQL: indexes, triggers, and pages by amcheck."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from psycopg import Error, errors

from stackfold.infrastructure.database import log_tables
from stackfold.infrastructure.database.postgres_schema import (
    APPEND_ONLY,
    REJECT_CHANGES,
    LogSchema,
)
from stackfold.infrastructure.database.protocol import Cursor, Fault
from stackfold.infrastructure.database.read_model_tables import ReadModelTables

Read = Callable[[str, Sequence[Any]], list[Any]]
"""Executes a SELECT."""


def _planned(**methods: str) -> str:
    """A statement that enables and disables methods of reading tables for the transaction."""
    settings = (f"set_config('enable_{name}', '{on}', true)" for name, on in methods.items())
    return f"SELECT {', '.join(settings)}"


BY_TABLE = _planned(indexscan="off", indexonlyscan="off", bitmapscan="off", seqscan="on", sort="on")
_BY_INDEX = _planned(
    indexscan="on", indexonlyscan="on", bitmapscan="off", seqscan="off", sort="off"
)
"""Uses indexes wherever possible."""
_DEFAULT = _planned(indexscan="on", indexonlyscan="on", bitmapscan="on", seqscan="on", sort="on")
REBUILD = (
    "as the owner of the log, run `stackfold log rebuild`, which recreates its indexes and "
    "triggers; the events themselves are intact"
)
RESTORE = "restore the database from a backup, or copy it with `stackfold log fork NEW_HOME`"


def lying_index(cursor: Cursor, tables: ReadModelTables, schema: LogSchema) -> Fault | None:
    """The first index that differs from its table; None if none does."""
    for table, name, columns, where in _valid_indexes(cursor, tables, schema):
        selected = f"SELECT ctid, {columns} FROM {schema.quoted}.{table}{where}"
        ordered = f"{selected} ORDER BY {columns} OFFSET 0"
        cursor.execute(BY_TABLE)
        by_table = cursor.execute(_digest(selected)).fetchone()
        cursor.execute(_BY_INDEX)
        # Only this index has this order; without the offset the planner would drop the ORDER BY.
        by_index = cursor.execute(_digest(ordered)).fetchone()
        if by_index != by_table:
            rows = {*cursor.execute(ordered).fetchall()}
            cursor.execute(BY_TABLE)
            rows ^= {*cursor.execute(selected).fetchall()}
            return _lies(cursor, table, name, [row[0] for row in rows], schema)
    cursor.execute(_DEFAULT)
    return None


def _lies(cursor: Cursor, table: str, index: str, places: list[str], schema: LogSchema) -> Fault:
    position = None
    if table == "events":
        ((position,),) = cursor.execute(
            f"SELECT min(position) FROM {schema.quoted}.events WHERE CAST(ctid AS text) IN "
            f"({', '.join('?' for _ in places)})",
            places,
        ).fetchall()
    cursor.execute(_DEFAULT)
    problem = f"differs between the index {index!r} and the log"
    if position is None:
        problem = f"the index {index!r} differs from the table {table!r}"
    return Fault(problem, REBUILD, position)


def _digest(selected: str) -> str:
    return (
        "SELECT count(*), sum(CAST(hashtextextended(CAST(row_of AS text), 0) AS numeric)) "
        f"FROM ({selected}) AS row_of"
    )


def _valid_indexes(
    cursor: Cursor, tables: ReadModelTables, schema: LogSchema
) -> list[tuple[str, str, str, str]]:
    """Table, name, columns and condition of each valid index, except indexes on expressions."""
    rows = cursor.execute(
        "SELECT CAST(t.relname AS text), CAST(c.relname AS text), "
        "string_agg(quote_ident(a.attname), ', ' ORDER BY k.place), "
        "pg_get_expr(i.indpred, i.indrelid) FROM pg_index AS i "
        "JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_class AS t ON t.oid = i.indrelid "
        "JOIN pg_namespace AS n ON n.oid = t.relnamespace "
        "CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k (number, place) "
        "JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.number "
        f"WHERE n.nspname = '{schema.name}' AND i.indisvalid AND i.indexprs IS NULL "
        "GROUP BY t.relname, c.relname, i.indpred, i.indrelid "
        "ORDER BY t.relname <> 'events', t.relname, c.relname"
    ).fetchall()
    known = {"events", *tables.names()}
    return [
        (table, name, columns, f" WHERE {where}" if where else "")
        for table, name, columns, where in rows
        if table in known
    ]


def damage(read: Read, schema: LogSchema) -> Fault | None:
    """The first fault that the extension amcheck finds.

    Returns:
        None if there is none, the extension is not installed, or the user has no rights to use it.
    """
    installed = read(
        "SELECT quote_ident(n.nspname) FROM pg_extension AS e "
        "JOIN pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = 'amcheck'",
        (),
    )
    if not installed:
        return None
    ((place,),) = installed
    try:
        for (name,) in read(
            "SELECT indexrelid::regclass::text FROM pg_index AS i "
            "JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_am AS m ON m.oid = c.relam "
            "JOIN pg_namespace AS n ON n.oid = c.relnamespace "
            "WHERE n.nspname = ? AND m.amname = 'btree' AND i.indisvalid ORDER BY 1",
            (schema.name,),
        ):
            try:
                read(f"SELECT {place}.bt_index_check(?::regclass, true)", (name,))
            except (errors.IndexCorrupted, errors.DataCorrupted) as error:
                problem = f"the index {name!r} is damaged: {error.diag.message_primary}"
                return Fault(problem, REBUILD)
        rows = read(
            f"SELECT msg FROM {place}.verify_heapam(?::regclass) LIMIT 1",
            (f"{schema.quoted}.events",),
        )
    except (errors.InsufficientPrivilege, errors.UndefinedFunction):
        return None
    except Error as error:
        return Fault(f"the database is damaged: {error.diag.message_primary}", RESTORE)
    return Fault(f"the table of events is damaged: {rows[0][0]}", RESTORE) if rows else None


def missing(cursor: Cursor, tables: ReadModelTables, schema: LogSchema) -> Fault | None:
    """The first trigger or index that is missing or differs from its definition."""
    for name, _, found in _triggers(cursor, schema):
        what = "is disabled, or differs from its definition" if found else "is missing"
        why = ", which keeps the log append-only" if name == "events_stay" else ""
        return Fault(f"the trigger {name!r} {what}{why}", REBUILD)
    for name, _, found in _indexes(cursor, tables, schema):
        return Fault(
            f"the index {name!r} {'differs from its definition' if found else 'is missing'}",
            REBUILD,
        )
    return None


def repair(cursor: Cursor, tables: ReadModelTables, schema: LogSchema) -> None:
    """Recreate damaged triggers and indexes, as far as the user is the owner of the log."""
    _make_tables(cursor, tables, schema)
    statements: list[str] = []
    cursor.execute("SAVEPOINT checks")
    for name, statement, found in _triggers(cursor, schema):
        if found:
            statements.append(f"DROP TRIGGER {name} ON events")
        functions = (
            each.replace("CREATE", "CREATE OR REPLACE", 1)
            for each in (REJECT_CHANGES, schema.announce)
        )
        statements += *functions, statement
    for name, statement, _ in [*_indexes(cursor, tables, schema)]:
        # An index that exists but is invalid counts as missing.
        table = statement.partition(" ON ")[2].split()[0]
        statements.append(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")
        statements += f"DROP INDEX IF EXISTS {schema.quoted}.{name}", statement
    damaged = lying_index(cursor, tables, schema) or damage(
        lambda statement, parameters: cursor.execute(statement, parameters).fetchall(), schema
    )
    cursor.execute("ROLLBACK TO checks")
    if damaged:
        statements.insert(0, f"REINDEX TABLE {schema.quoted}.events")
        for table in tables.names():
            # Emptied first, since they are rebuilt anyway: their rows may violate an index.
            statements += f"DELETE FROM {table}", f"REINDEX TABLE {schema.quoted}.{table}"
    for statement in statements:
        cursor.execute("SAVEPOINT statement")
        try:
            cursor.execute(statement)
        except Error:
            # What needs the owner's rights is left, and `verify` reports it. Two events of one
            # revision are reported by the rebuild; a copy can hold both.
            cursor.execute("ROLLBACK TO statement")
        cursor.execute("RELEASE statement")


def _make_tables(cursor: Cursor, tables: ReadModelTables, schema: LogSchema) -> None:
    """Recreate the tables of the read models if one of them is missing."""
    wanted = [*tables.names()]
    ((found,),) = cursor.execute(
        f"SELECT count(*) FROM pg_tables WHERE schemaname = '{schema.name}' "
        f"AND tablename IN ({', '.join('?' for _ in wanted)})",
        wanted,
    ).fetchall()
    if found == len(wanted):
        return
    cursor.execute("SAVEPOINT tables")
    try:
        tables.drop(cursor)
        tables.create(cursor, schema.quoted)
        tables.create_indexes(cursor)
    except errors.InsufficientPrivilege:
        # Only the owner can; to others, statements that need the tables say which one is missing.
        cursor.execute("ROLLBACK TO tables")


class _Difference(NamedTuple):
    """A trigger or index that is missing or differs from its definition."""

    name: str
    statement: str
    """The statement that creates it."""
    found: bool
    """Whether one of that name exists."""


def _triggers(cursor: Cursor, schema: LogSchema) -> Iterator[_Difference]:
    """The triggers that differ from their definitions."""
    rows = cursor.execute(
        "SELECT CAST(t.tgname AS text), CAST(t.tgenabled AS text), t.tgtype, "
        "CAST(p.proname AS text), p.prosrc FROM pg_trigger AS t "
        "JOIN pg_proc AS p ON p.oid = t.tgfoid "
        f"WHERE t.tgrelid = CAST('{schema.quoted}.events' AS regclass) AND NOT t.tgisinternal"
    ).fetchall()
    found = {name: tuple(rest) for name, *rest in rows}
    for statement in APPEND_ONLY:
        name = statement.split()[2]
        enabled, kind, function, source = found.get(name, ("", 0, "", ""))
        sound = (
            enabled in ("O", "A")
            and kind == _KINDS[name]
            and statement.endswith(f"{function}()")
            and source.strip() in (REJECT_CHANGES + schema.announce)
        )
        if not sound:
            yield _Difference(name, statement, name in found)


_KINDS = {"events_stay": 2 + 8 + 16 + 32, "events_are_announced": 4}
"""Trigger → its pg_trigger.tgtype: BEFORE, DELETE, UPDATE and TRUNCATE; AFTER INSERT."""


def _indexes(cursor: Cursor, tables: ReadModelTables, schema: LogSchema) -> Iterator[_Difference]:
    """The indexes that differ from those of temporary tables that are created for comparison."""
    found = _defined(cursor, f"CAST('{schema.quoted}' AS regnamespace)")
    cursor.execute(log_tables.EVENTS.replace("TABLE ", "TABLE pg_temp.", 1))
    for statement in log_tables.INDEXES:
        cursor.execute(statement)
    tables.create(cursor, "pg_temp")
    tables.create_indexes(cursor)
    wanted = _defined(cursor, "pg_my_temp_schema()")
    there = {*found.values()}
    for name, (table, unique, definition) in wanted.items():
        # The server chooses the names of the indexes of constraints.
        if (table, unique, definition) in there:
            continue
        if unique and any(
            of == table and one and each.startswith(f'{definition} WHERE ("position" <> ')
            for of, one, each in there
        ):
            # A copy of a log with two events of one revision.
            continue
        kind = "UNIQUE INDEX" if unique else "INDEX"
        statement = f"CREATE {kind} {name} ON {schema.quoted}.{table} USING {definition}"
        yield _Difference(name, statement, name in found)


def _defined(cursor: Cursor, schema: str) -> dict[str, tuple[str, bool, str]]:
    """Name → table, whether it is unique, and columns and condition, of each valid index."""
    rows = cursor.execute(
        "SELECT CAST(c.relname AS text), CAST(t.relname AS text), i.indisunique, "
        "pg_get_indexdef(i.indexrelid) FROM pg_index AS i "
        "JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_class AS t ON t.oid = i.indrelid "
        f"WHERE t.relnamespace = {schema} AND i.indisvalid AND i.indisready AND i.indislive"
    ).fetchall()
    return {
        name: (table, unique, definition.partition(" USING ")[2])
        for name, table, unique, definition in rows
    }
