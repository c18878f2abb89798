"""SQL for the row changes that projections yield."""

from collections.abc import Mapping
from typing import Any

from stackfold.application.eventsourcing.columns import json_columns
from stackfold.application.eventsourcing.projection import (
    Delete,
    Insert,
    Lookup,
    NextNumber,
    RowChange,
    Table,
    Update,
)
from stackfold.infrastructure.eventstore.canonical_json import canonical_json

_DERIVED = (Lookup, NextNumber)


def statement(change: RowChange, schema: str) -> tuple[str, list[Any]]:
    """The SQL that makes a row change in a schema, and its parameters."""
    table = f"{schema}.{change.table.name}"
    match change:
        case Insert(of, values):
            marks, parameters = _expressions(of, values, schema)
            columns = ", ".join(values)
            return f"INSERT INTO {table} ({columns}) VALUES ({', '.join(marks)})", parameters
        case Update(of, key, values):
            marks, parameters = _expressions(of, values, schema)
            settings = ", ".join(f"{c} = {m}" for c, m in zip(values, marks, strict=True))
            return f"UPDATE {table} SET {settings} WHERE {_where(key)}", [
                *parameters,
                *key.values(),
            ]
        case Delete(_, key):
            return f"DELETE FROM {table} WHERE {_where(key)}", [*key.values()]


def _where(key: Mapping[str, Any]) -> str:
    return " AND ".join(f"{column} = ?" for column in key)


def _expressions(
    table: Table, values: Mapping[str, Any], schema: str
) -> tuple[list[str], list[Any]]:
    """The SQL for the value of each column, and the parameters of all of them."""
    marks: list[str] = []
    parameters: list[Any] = []
    in_json = json_columns(table.row)
    for column, value in values.items():
        if isinstance(value, _DERIVED):
            mark, given = _derived(table, column, values, schema)
            marks.append(mark)
            parameters += given
        else:
            marks.append("?")
            is_json = value is not None and column in in_json
            parameters.append(canonical_json(value).decode() if is_json else value)
    return marks, parameters


def _derived(
    table: Table, column: str, values: Mapping[str, Any], schema: str
) -> tuple[str, list[Any]]:
    """The SQL for a value that is derived from other rows, and its parameters."""
    match values[column]:
        case Lookup(other, wanted, id):
            return f"(SELECT {wanted} FROM {schema}.{other.name} WHERE id = ?)", [id]
        case NextNumber(among):
            marks, parameters = _expressions(table, {each: values[each] for each in among}, schema)
            conditions = [f"{each} = {mark}" for each, mark in zip(among, marks, strict=True)]
            largest = f"SELECT coalesce(max({column}), 0) + 1 FROM {schema}.{table.name}"
            return f"({largest} WHERE {' AND '.join(conditions)})", parameters
    raise AssertionError(f"{column} is not derived")
