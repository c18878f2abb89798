"""Whether a log in PostgreSQL is sound: its indexes, its triggers, and what amcheck finds."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from psycopg import Error, errors

from stackfold.infrastructure.database.postgres_schema import (
    ANNOUNCE,
    APPEND_ONLY,
    REFUSE,
    SCHEMA_NAME,
)
from stackfold.infrastructure.database.protocol import Cursor, Fault
from stackfold.infrastructure.eventstore import log_tables
from stackfold.infrastructure.eventstore.read_model_tables import ReadModelTables

Read = Callable[[str, Sequence[Any]], list[Any]]
"""Executes a SELECT."""


def _planned(**methods: str) -> str:
    """A statement that says, until the transaction ends, by which methods tables are read."""
    settings = (f"set_config('enable_{name}', '{on}', true)" for name, on in methods.items())
    return f"SELECT {', '.join(settings)}"


BY_TABLE = _planned(indexscan="off", indexonlyscan="off", bitmapscan="off", seqscan="on", sort="on")
_BY_INDEX = _planned(
    indexscan="on", indexonlyscan="on", bitmapscan="off", seqscan="off", sort="off"
)
"""What an index can be used for is read by it."""
_AS_EVER = _planned(indexscan="on", indexonlyscan="on", bitmapscan="on", seqscan="on", sort="on")
MEND = (
    "as the owner of the log, `stackfold log rebuild` makes its indexes and triggers anew; "
    "the events themselves hold"
)
RESTORE = "restore the database from a backup, or copy it with `stackfold log fork NEW_HOME`"


def lying_index(cursor: Cursor, tables: ReadModelTables) -> Fault | None:
    """The first index that has other rows than its table."""
    for table, name, columns, where in _valid_indexes(cursor, tables):
        selected = f"SELECT ctid, {columns} FROM {SCHEMA_NAME}.{table}{where}"
        ordered = f"{selected} ORDER BY {columns} OFFSET 0"
        cursor.execute(BY_TABLE)
        by_table = cursor.execute(_digest(selected)).fetchone()
        cursor.execute(_BY_INDEX)
        # The order is one that only this index has; without the offset it would be left out.
        by_index = cursor.execute(_digest(ordered)).fetchone()
        if by_index != by_table:
            rows = {*cursor.execute(ordered).fetchall()}
            cursor.execute(BY_TABLE)
            rows ^= {*cursor.execute(selected).fetchall()}
            return _lies(cursor, table, name, [row[0] for row in rows])
    cursor.execute(_AS_EVER)
    return None


def _lies(cursor: Cursor, table: str, index: str, places: list[str]) -> Fault:
    position = None
    if table == "events":
        ((position,),) = cursor.execute(
            f"SELECT min(position) FROM {SCHEMA_NAME}.events WHERE CAST(ctid AS text) IN "
            f"({', '.join('?' for _ in places)})",
            places,
        ).fetchall()
    cursor.execute(_AS_EVER)
    problem = f"is not in the index {index!r} as it is in the log"
    if position is None:
        problem = f"the index {index!r} has other rows than the table {table!r}"
    return Fault(problem, MEND, position)


def _digest(selected: str) -> str:
    return (
        "SELECT count(*), sum(CAST(hashtextextended(CAST(row_of AS text), 0) AS numeric)) "
        f"FROM ({selected}) AS row_of"
    )


def _valid_indexes(cursor: Cursor, tables: ReadModelTables) -> list[tuple[str, str, str, str]]:
    """Table, name, columns and condition of each; expressions are in conditions only."""
    rows = cursor.execute(
        "SELECT CAST(t.relname AS text), CAST(c.relname AS text), "
        "string_agg(quote_ident(a.attname), ', ' ORDER BY k.place), "
        "pg_get_expr(i.indpred, i.indrelid) FROM pg_index AS i "
        "JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_class AS t ON t.oid = i.indrelid "
        "JOIN pg_namespace AS n ON n.oid = t.relnamespace "
        "CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k (number, place) "
        "JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.number "
        f"WHERE n.nspname = '{SCHEMA_NAME}' AND i.indisvalid AND i.indexprs IS NULL "
        "GROUP BY t.relname, c.relname, i.indpred, i.indrelid "
        "ORDER BY t.relname <> 'events', t.relname, c.relname"
    ).fetchall()
    known = {"events", *tables.names()}
    return [
        (table, name, columns, f" WHERE {where}" if where else "")
        for table, name, columns, where in rows
        if table in known
    ]


def damage(read: Read) -> Fault | None:
    """What the extension amcheck finds; nothing where it is not installed, or not allowed."""
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
            (SCHEMA_NAME,),
        ):
            try:
                read(f"SELECT {place}.bt_index_check(?::regclass, true)", (name,))
            except (errors.IndexCorrupted, errors.DataCorrupted) as error:
                problem = f"the index {name!r} is damaged: {error.diag.message_primary}"
                return Fault(problem, MEND)
        rows = read(
            f"SELECT msg FROM {place}.verify_heapam(?::regclass) LIMIT 1",
            (f"{SCHEMA_NAME}.events",),
        )
    except (errors.InsufficientPrivilege, errors.UndefinedFunction):
        return None
    except Error as error:
        return Fault(f"the database is damaged: {error.diag.message_primary}", RESTORE)
    return Fault(f"the table of events is damaged: {rows[0][0]}", RESTORE) if rows else None


def missing(cursor: Cursor, tables: ReadModelTables) -> Fault | None:
    """The first trigger or index that is not there, or is not as Stackfold makes it."""
    for name, _, found in _triggers(cursor):
        what = "is disabled, or not what it should be" if found else "is missing"
        why = ", which keeps the log append-only" if name == "events_stay" else ""
        return Fault(f"the trigger {name!r} {what}{why}", MEND)
    for name, _, found in _indexes(cursor, tables):
        return Fault(
            f"the index {name!r} {'is not what it should be' if found else 'is missing'}", MEND
        )
    return None


def fix(cursor: Cursor, tables: ReadModelTables) -> None:
    """Make anew what is wrong with triggers and indexes; the owner of the log may do that."""
    _make_tables(cursor, tables)
    statements: list[str] = []
    cursor.execute("SAVEPOINT looking")
    for name, statement, found in _triggers(cursor):
        if found:
            statements.append(f"DROP TRIGGER {name} ON events")
        functions = (each.replace("CREATE", "CREATE OR REPLACE", 1) for each in (REFUSE, ANNOUNCE))
        statements += *functions, statement
    for name, statement, _ in [*_indexes(cursor, tables)]:
        # One that is there but not valid is none that is found.
        table = statement.partition(" ON ")[2].split()[0]
        statements.append(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")
        statements += f"DROP INDEX IF EXISTS {SCHEMA_NAME}.{name}", statement
    damaged = lying_index(cursor, tables) or damage(
        lambda statement, parameters: cursor.execute(statement, parameters).fetchall()
    )
    cursor.execute("ROLLBACK TO looking")
    if damaged:
        statements.insert(0, f"REINDEX TABLE {SCHEMA_NAME}.events")
        for table in tables.names():
            # Emptied first, as they are to be made anew: they may hold what an index forbids.
            statements += f"DELETE FROM {table}", f"REINDEX TABLE {SCHEMA_NAME}.{table}"
    for statement in statements:
        cursor.execute("SAVEPOINT mending")
        try:
            cursor.execute(statement)
        except Error:
            # What only the owner may do stays as it is, and `verify` tells of it. Two events of one
            # revision are reported by the fold of the log; a copy can hold both.
            cursor.execute("ROLLBACK TO mending")
        cursor.execute("RELEASE mending")


def _make_tables(cursor: Cursor, tables: ReadModelTables) -> None:
    """Make the tables of the read models anew if one of them is missing."""
    wanted = [*tables.names()]
    ((found,),) = cursor.execute(
        f"SELECT count(*) FROM pg_tables WHERE schemaname = '{SCHEMA_NAME}' "
        f"AND tablename IN ({', '.join('?' for _ in wanted)})",
        wanted,
    ).fetchall()
    if found == len(wanted):
        return
    cursor.execute("SAVEPOINT making")
    try:
        tables.drop(cursor)
        tables.create(cursor, SCHEMA_NAME)
        tables.create_indexes(cursor)
    except errors.InsufficientPrivilege:
        # The owner may; whoever else needs the tables is told what is missing.
        cursor.execute("ROLLBACK TO making")


class _Wrong(NamedTuple):
    name: str
    statement: str
    """What makes it."""
    found: bool
    """Whether there is one of that name."""


def _triggers(cursor: Cursor) -> Iterator[_Wrong]:
    """Those that are not what they should be."""
    rows = cursor.execute(
        "SELECT CAST(t.tgname AS text), CAST(t.tgenabled AS text), t.tgtype, "
        "CAST(p.proname AS text), p.prosrc FROM pg_trigger AS t "
        "JOIN pg_proc AS p ON p.oid = t.tgfoid "
        f"WHERE t.tgrelid = CAST('{SCHEMA_NAME}.events' AS regclass) AND NOT t.tgisinternal"
    ).fetchall()
    found = {name: tuple(rest) for name, *rest in rows}
    for statement in APPEND_ONLY:
        name = statement.split()[2]
        enabled, kind, function, source = found.get(name, ("", 0, "", ""))
        sound = (
            enabled in ("O", "A")
            and kind == _KINDS[name]
            and statement.endswith(f"{function}()")
            and source.strip() in (REFUSE + ANNOUNCE)
        )
        if not sound:
            yield _Wrong(name, statement, name in found)


_KINDS = {"events_stay": 2 + 8 + 16 + 32, "events_are_announced": 4}
"""Trigger → its pg_trigger.tgtype: BEFORE, DELETE, UPDATE and TRUNCATE; AFTER INSERT."""


def _indexes(cursor: Cursor, tables: ReadModelTables) -> Iterator[_Wrong]:
    """Those that are not what they should be, by comparison with those of temporary tables."""
    found = _defined(cursor, f"CAST('{SCHEMA_NAME}' AS regnamespace)")
    cursor.execute(log_tables.EVENTS.replace("TABLE ", "TABLE pg_temp.", 1))
    for statement in log_tables.INDEXES:
        cursor.execute(statement)
    tables.create(cursor, "pg_temp")
    tables.create_indexes(cursor)
    wanted = _defined(cursor, "pg_my_temp_schema()")
    there = {*found.values()}
    for name, (table, unique, definition) in wanted.items():
        # Names of what a table's own constraints make are up to the server.
        if (table, unique, definition) in there:
            continue
        if unique and any(
            of == table and one and each.startswith(f'{definition} WHERE ("position" <> ')
            for of, one, each in there
        ):
            # A copy of a log with two events of one revision.
            continue
        kind = "UNIQUE INDEX" if unique else "INDEX"
        statement = f"CREATE {kind} {name} ON {SCHEMA_NAME}.{table} USING {definition}"
        yield _Wrong(name, statement, name in found)


def _defined(cursor: Cursor, schema: str) -> dict[str, tuple[str, bool, str]]:
    """Name → table, whether unique, and columns and condition of each index in use."""
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
