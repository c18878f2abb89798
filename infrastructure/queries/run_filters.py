"""Finds the runs that conditions on metrics, parameters, metadata, tags and columns match.

Metrics, tags and columns are compared by SQL. Parameters and metadata are JSON, which is compared
here, so that every database compares alike; runs are read in their order until a page is full.
"""

import json
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import nan
from typing import Any, NamedTuple

from stackfold.application.eventsourcing.cells import cell
from stackfold.application.listing.listing import Listing
from stackfold.application.runs.where import Comparison, subject_and_name
from stackfold.domain.errors import InvalidListing
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.queries.filters import listing_clauses
from stackfold.infrastructure.queries.text import encodable, normal

_FIRST_PART = 500
_ALL = 2**62
_SQL = {">": ">", ">=": ">=", "<": "<", "<=": "<=", "=": "=", "!=": "<>"}
_PYTHON: Mapping[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    "!=": operator.ne,
}
_BY_METRIC = (
    "LEFT JOIN (SELECT m.run, {extreme}(m.value) AS value FROM metrics AS m WHERE {named} "
    "GROUP BY m.run) AS sorted ON sorted.run = t.id"
)


_RATHER_METRICS = {"error", "source"}
"""Columns that conditions do not name, as metrics are called so."""


class _Sql(NamedTuple):
    """SQL with its parameters."""

    text: str
    parameters: tuple[Any, ...]


def matching_runs(
    database: Database,
    listing: Listing,
    comparisons: Sequence[Comparison],
    columns: Mapping[str, str],
) -> list[str]:
    """The ids of the runs that match, in order, of the page of the listing.

    Args:
        database: Holds the read models.
        listing: Filters, order and page. It may also be sorted by a metric: runs without it are
            last.
        comparisons: All must match.
        columns: Column → SQL expression on the table `t`.

    Raises:
        InvalidListing: The listing names an unknown column.
    """
    join = _Sql("", ())
    if is_sorted_by_metric(database, listing, columns):
        join = _joined(listing)
        columns = {**columns, listing.sort_by: "sorted.value IS NULL, sorted.value"}
    by_sql = [
        _column_sql(each, columns) if each.subject == "column" else _SUBJECTS[each.subject](each)
        for each in comparisons
        if each.subject not in _IN_JSON
    ]
    by_json = [each for each in comparisons if each.subject in _IN_JSON]
    page = listing._replace(page=1, size=_ALL) if by_json else listing
    wanted = listing_clauses(page, columns, "t.position DESC")
    where = "".join(f" AND {each.text}" for each in by_sql) + wanted.where
    # The parameters of the tail are after those of the listing's conditions.
    sought = [*join.parameters, *(value for each in by_sql for value in each.parameters)]
    sought += wanted.parameters
    if not by_json:
        rows = database.read(
            f"SELECT t.id FROM runs AS t {join.text} WHERE true{where}{wanted.tail}", sought
        )
        return [id for (id,) in rows]
    found = _matching(database, f"runs AS t {join.text}", where + wanted.tail, sought, by_json)
    if listing.size is None:
        return [*found]
    first = (listing.page - 1) * listing.size
    return [id for at, id in _until(found, first + listing.size) if at >= first]


def _until(ids: Iterator[str], end: int) -> Iterator[tuple[int, str]]:
    for at, id in enumerate(ids):
        yield at, id
        if at + 1 >= end:
            return


# -- by SQL


def is_sorted_by_metric(database: Database, listing: Listing, columns: Mapping[str, str]) -> bool:
    """Whether a listing is sorted by a metric that some run has; a column comes first.

    Raises:
        InvalidListing: It is sorted by neither.
    """
    order = listing.sort_by
    if order in columns and order not in _RATHER_METRICS:
        return False
    subject, name = subject_and_name(order)
    named = _metric_sql(name)
    if subject == "metric" and database.read(
        f"SELECT 1 FROM metrics AS m WHERE {named.text} LIMIT 1", named.parameters
    ):
        return True
    if order not in columns:
        raise InvalidListing("column or metric", order, list(columns))
    return False


def _joined(listing: Listing) -> _Sql:
    """The metric that a listing is sorted by, as a table."""
    named = _metric_sql(subject_and_name(listing.sort_by)[1])
    extreme = "max" if listing.descending else "min"
    return _Sql(_BY_METRIC.format(extreme=extreme, named=named.text), named.parameters)


def _metric_sql(name: str) -> _Sql:
    """The condition on a metric `m` of that name, which may begin with a step."""
    step, dot, rest = map(encodable, name.partition("."))
    if not dot:
        return _Sql("m.name = ?", (encodable(name),))
    return _Sql("(m.name = ? OR m.name = ? AND m.step = ?)", (encodable(name), rest, step))


def _metric_comparison(wanted: Comparison) -> _Sql:
    # An expression, so that the rows of each run are read, not those of every metric of the name.
    text, parameters = _metric_sql(wanted.name)
    text = text.replace("m.name", "m.name || ''")
    return _Sql(
        "EXISTS (SELECT 1 FROM metrics AS m WHERE m.run = t.id "
        f"AND {text} AND m.value {_SQL[wanted.operator]} ?)",
        (*parameters, wanted.number),
    )


def _tag_comparison(wanted: Comparison) -> _Sql:
    found = "> 0" if wanted.operator == "=" else "= 0"
    return _Sql(f"instr(t.tags, ?) {found}", (json.dumps(normal(wanted.text), ensure_ascii=False),))


def _column_sql(wanted: Comparison, columns: Mapping[str, str]) -> _Sql:
    value: str | float | None = wanted.number
    if wanted.name != "stack_revision":
        value = (normal if wanted.name == "name" else encodable)(wanted.text)
    return _Sql(f"{columns[wanted.name]} {_SQL[wanted.operator]} ?", (value,))


_SUBJECTS = {"metric": _metric_comparison, "tag": _tag_comparison}


# -- in JSON

_IN_JSON = {"param": "parameters", "metadata": "metadata"}
"""Subject → the column of runs and steps with its values."""


def _matching(
    database: Database,
    tables: str,
    rest: str,
    parameters: Sequence[Any],
    comparisons: Sequence[Comparison],
) -> Iterator[str]:
    """The ids of the runs that match, in order.

    Args:
        database: Holds the read models.
        tables: The tables of the SELECT.
        rest: Further conditions, the order and the limit.
        parameters: Those of the tables and the rest; the last two are limit and offset.
        comparisons: On parameters and metadata.
    """
    columns = [column for each in comparisons for column in _columns(each)]
    select = f"SELECT t.id, {', '.join(each.text for each in columns)} FROM {tables} WHERE true"
    given = [*(value for each in columns for value in each.parameters), *parameters[:-2]]
    for limit, offset in ((_FIRST_PART, 0), (_ALL, _FIRST_PART)):
        rows = database.read(f"{select}{rest}", [*given, limit, offset])
        for id, *cells in rows:
            if all(
                _fits(cells[2 * at], cells[2 * at + 1], each) for at, each in enumerate(comparisons)
            ):
                yield id
        if len(rows) < limit:
            return


def _columns(wanted: Comparison) -> tuple[_Sql, _Sql]:
    """The values of the run, and those of the step that the name may begin with."""
    column = _IN_JSON[wanted.subject]
    step, dot, _ = map(encodable, wanted.name.partition("."))
    if not dot:
        return _Sql(f"t.{column}", ()), _Sql("NULL", ())
    found = _Sql(f"(SELECT {column} FROM steps WHERE run = t.id AND name = ?)", (step,))
    if column == "metadata":  # what was added later counts
        later = "SELECT metadata FROM step_annotations WHERE run = t.id AND step = ?"
        found = _Sql(f"coalesce(({later}), {found.text})", (step, step))
    return _Sql(f"t.{column}", ()), found


def _fits(of_run: str, of_step: str | None, wanted: Comparison) -> bool:
    for text, name in ((of_run, wanted.name), (of_step, wanted.name.partition(".")[2])):
        # Decoding takes most of the time; an identifier is in the JSON of an object that has it.
        if text and name and (name in text or not name.isidentifier()):
            values = cell(text)
            if name in values:
                return _compares(values[name], wanted)
    return False


def _compares(value: Any, wanted: Comparison) -> bool:
    if isinstance(value, dict | list):
        from stackfold.application.runs.recorded_parameters import readable_values

        value = readable_values({"": value})[""]
    if wanted.number is not None and wanted.operator not in {"=", "!="}:
        return _PYTHON[wanted.operator](_as_number(value), wanted.number)
    if type(value) in (int, float) and wanted.number is not None:
        return _PYTHON[wanted.operator](value, wanted.number)
    if isinstance(value, str):
        return _PYTHON[wanted.operator](value, wanted.text)
    equal = isinstance(value, bool | None) and wanted.text.lower() in _WORDS[value]
    return (wanted.operator == "!=" and not equal) or (wanted.operator == "=" and equal)


def _as_number(value: Any) -> float:
    """The value as a number, also that of a text such as "inf"; NaN, which nothing is less than."""
    if type(value) in (int, float):
        return value  # type: ignore[no-any-return]
    try:
        return float(value) if isinstance(value, str) else nan
    except ValueError:
        return nan


_WORDS: Mapping[bool | None, tuple[str, ...]] = {
    True: ("true", "yes"),
    False: ("false", "no"),
    None: ("none", "null"),
}
