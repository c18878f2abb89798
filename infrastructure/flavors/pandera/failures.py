"""The checks of a schema of pandera, and which of them failed, for reports."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from stackfold.domain.validation.validation_report import Check

_CLASS = re.compile(r"\w+")
_Key = tuple[str, str]
"""The column and the name of a check."""


def checks_of(schema: Any, errors: Iterable[Any], rows: int, examples: int) -> list[Check]:
    """Return all checks of a schema, those that failed first.

    Args:
        schema: The schema, of pandas or polars.
        errors: pandera's `SchemaError` for each that failed.
        rows: The number of rows that were checked.
        examples: The most values that failed to be shown for each check.
    """
    failed: dict[_Key, Check] = {}
    for error in errors:
        check = _failed(error, rows, examples)
        failed.setdefault((check.column, check.name), check)
    missing = {column for column, name in failed if name == "column_in_dataframe"}
    # A column that could not be converted has the wrong type, too: one problem, reported once.
    converted = {column for column, name in failed if name.startswith("coerce_dtype(")}
    for key in [*failed]:
        if key[0] in converted and key[1].startswith("dtype("):
            del failed[key]
    passed = [
        Check(name=key[1], column=key[0])
        for key in dict.fromkeys(_declared(schema))
        if key not in failed and key[0] not in missing
        if key[0] not in converted or not key[1].startswith("dtype(")
    ]
    return [*failed.values(), *passed]


def _declared(schema: Any) -> Iterator[_Key]:
    """The checks that a schema consists of, by the names that pandera gives to their failures."""
    for name, column in schema.columns.items():
        yield from _of_component(str(name), column)
        if getattr(column, "required", True):
            yield str(name), "column_in_dataframe"
    index = getattr(schema, "index", None)
    for each in getattr(index, "indexes", None) or ([index] if index is not None else []):
        yield from _of_component(_index_name(each), each)
    if getattr(schema, "unique", None):
        yield "", "multiple_fields_uniqueness"
    if getattr(schema, "strict", False) is True:
        yield "", "column_in_schema"
    for each in _names(schema):
        yield "", each


def _of_component(name: str, component: Any) -> Iterator[_Key]:
    if component.dtype is not None:
        yield name, f"dtype('{component.dtype}')"
    if not component.nullable:
        yield name, "not_nullable"
    if getattr(component, "unique", False):
        yield name, "field_uniqueness"
    for each in _names(component):
        yield name, each


def _names(component: Any) -> list[str]:
    """The names of the checks of a schema or column; several of one name are numbered."""
    names: list[str] = []
    count: Counter[str] = Counter()
    for check in component.checks or []:
        name = _name(check)
        count[name] += 1
        names.append(name if count[name] == 1 else f"{name} ({count[name]})")
    return names


def _name(check: Any) -> str:
    if isinstance(check, str):
        return check
    return str(getattr(check, "error", None) or getattr(check, "name", None) or "check")


def _index_name(index: Any) -> str:
    return f"index {index.name}" if getattr(index, "name", None) is not None else "index"


def _failed(error: Any, rows: int, examples: int) -> Check:
    reason = getattr(error.reason_code, "name", "")
    schema, cases = error.schema, error.failure_cases
    name, at = _name(error.check), getattr(error, "check_index", None)
    if not isinstance(error.check, str) and at is not None:
        name = _names(schema)[at]
    if reason == "COLUMN_NOT_IN_DATAFRAME":
        return Check(name, str(cases), False, problem="there is no such column")
    if reason == "COLUMN_NOT_IN_SCHEMA":
        return Check(name, str(cases), False, problem="the schema has no such column")
    kind = type(schema).__name__
    column = ""
    if kind in {"Index", "MultiIndex"}:
        column = _index_name(schema)
    elif kind != "DataFrameSchema" and schema.name is not None:
        column = str(schema.name)
    if reason == "CHECK_ERROR":
        raised = _CLASS.match(str(cases))
        return Check(
            name, column, False, problem=f"it raised {raised[0] if raised else 'an error'}"
        )
    if not hasattr(cases, "columns"):
        problem = "the whole column" if cases is None else f"it is {cases}"
        return Check(name, column, False, problem=problem)
    count, shown = _cases(cases, examples)
    problem = f"{count:,} of {rows:,} rows"
    return Check(name, column, False, count, 0, problem, shown)


def _cases(cases: Any, examples: int) -> tuple[int, tuple[str, ...]]:
    """The number of rows that failed, and a few of the values."""
    columns = [*cases.columns]
    if "index" in columns and hasattr(cases["index"], "nunique"):
        count = int(cases["index"].nunique())
    else:
        count = len(cases)
    if not examples or "failure_case" not in columns:
        return count, ()
    values = [*cases["failure_case"][: 10 * examples]]
    shown = [*dict.fromkeys(str(each) for each in values)]
    return count, tuple(shown[:examples])
