"""Statements on tables of programs, in the database of a log."""

import re
import sqlite3
from collections.abc import Iterator, Set
from contextlib import contextmanager
from typing import Any

from stackfold.domain.errors import StatementRejected
from stackfold.infrastructure.database import reaction_tables, request_tables
from stackfold.infrastructure.database.package_registry import REGISTRY, PackageRegistry
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.database.read_model_tables import ReadModelTables

_KINDS = ("SELECT", "VALUES", "WITH", "INSERT", "REPLACE", "UPDATE", "DELETE", "CREATE", "ALTER")
_FIRST = re.compile(rf"\s*({'|'.join((*_KINDS, 'DROP'))})\b", re.IGNORECASE)
_QUERY = re.compile(r"\s*(SELECT|VALUES|WITH)\b", re.IGNORECASE)
_OF_COLUMNS = {sqlite3.SQLITE_READ, sqlite3.SQLITE_UPDATE}
"""Actions whose second argument is a column."""
_NEVER = {sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH, sqlite3.SQLITE_PRAGMA}
_READS = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
}


def require_statement(statement: str, reading: bool = False) -> None:
    """Reject what is not a query, a change of rows or a definition.

    Args:
        statement: The statement.
        reading: Whether only a query is accepted.

    Raises:
        StatementRejected: It is another statement, such as COMMIT.
    """
    if reading and not _QUERY.match(statement):
        raise StatementRejected("it begins with no SELECT")
    if not _FIRST.match(statement):
        raise StatementRejected("it begins with no SELECT, INSERT, UPDATE, DELETE or CREATE")


def require_other_schema(statement: str, schema: str) -> None:
    """Reject a statement that names the schema of the log.

    Raises:
        StatementRejected: It names it.
    """
    if re.search(rf'\b{schema}"?\s*\.|\bU&"', statement, re.IGNORECASE):
        raise StatementRejected(f"it names the schema {schema!r}, which belongs to Stackfold")


def tables_of_stackfold(database: Database) -> Set[str]:
    """The names of the tables of the log and of read models."""
    models = ReadModelTables(database.aggregates).names()
    own = {"events", REGISTRY, *reaction_tables.NAMES, request_tables.NAME, *models}
    return own.union(*(each.tables for each in PackageRegistry(database).all()))


@contextmanager
def guarded(
    connection: sqlite3.Connection, tables: Set[str], reading: bool = False
) -> Iterator[None]:
    """Let statements in the block use other tables only.

    Args:
        connection: The connection that executes them.
        tables: The names of the tables of the log, in lower case.
        reading: Whether they may only read.

    Raises:
        StatementRejected: A statement used one of these tables, or wrote where it may only read.
    """
    denied: list[str] = []

    def authorize(action: int, first: str | None, second: str | None, *_: Any) -> int:
        names = [first] if action in _OF_COLUMNS else [first, second]
        found = [
            f"{name} belongs to Stackfold" for name in names if name and name.lower() in tables
        ]
        if action in _NEVER:
            found.append("the connection belongs to Stackfold")
        if reading and action not in _READS:
            found.append("it writes")
        denied.extend(found)
        return sqlite3.SQLITE_DENY if found else sqlite3.SQLITE_OK

    connection.set_authorizer(authorize)
    try:
        yield
    except sqlite3.Error as error:
        if denied:
            raise StatementRejected(denied[0]) from error
        raise
    finally:
        connection.set_authorizer(None)


def rows_of(cursor: Any) -> list[tuple[Any, ...]]:
    """The rows of an executed statement; none if it has none."""
    return [] if cursor.description is None else [tuple(row) for row in cursor.fetchall()]
