"""Queries for aggregates of other packages, in plain SQL."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from stackfold.application.eventsourcing.aggregate_type import AggregateType
from stackfold.application.eventsourcing.as_of import AsOf
from stackfold.application.eventsourcing.cells import cell
from stackfold.application.eventsourcing.read_model import ReadModel
from stackfold.application.own_aggregates.queries import AggregateView
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.queries.as_of import position_of
from stackfold.infrastructure.queries.lookup import find_row, valid_at
from stackfold.infrastructure.queries.text import encodable

_ENVELOPE = ("revision", "created", "updated", "by")


class SqlAggregateQueries:
    """Implements `AggregateQueries`."""

    def __init__(self, database: Database, require: Callable[[AggregateType], None]) -> None:
        """Create the queries.

        Args:
            database: Holds the read models.
            require: Creates or updates the tables of an aggregate type, unless they are current.
        """
        self._database = database
        self._require = require

    def prepare(self, declared: AggregateType) -> None:
        """Create or update the tables of an aggregate type, unless they are current."""
        self._require(declared)

    def position(self, as_of: AsOf) -> int | None:
        """The position of a point in the past; None for now."""
        return position_of(self._database, as_of)

    def all(
        self, model: ReadModel, where: Mapping[str, str | int], limit: int | None, as_of: int | None
    ) -> list[AggregateView]:
        """The aggregates whose rows have some values, by name."""
        source, parameters = valid_at(model.table, as_of)
        conditions = "".join(f" AND t.{column} = ?" for column in where)
        values = [encodable(each) if isinstance(each, str) else each for each in where.values()]
        end = "" if limit is None else " LIMIT ?"
        rows = self._database.read(
            f"SELECT t.id, t.name{_columns(model)} {source}{conditions} ORDER BY t.name, t.id{end}",
            [*parameters, *values, *([] if limit is None else [limit])],
        )
        return [_view(model, row) for row in rows]

    def one(self, model: ReadModel, reference: str, as_of: int | None) -> AggregateView:
        """The aggregate with a name, an id or a unique prefix of either."""
        table, columns = model.table, _columns(model)
        row = find_row(self._database, table, model.topic, "", (), reference, as_of, columns)
        return _view(model, row)


def _columns(model: ReadModel) -> str:
    return "".join(f", t.{column}" for column in (*_ENVELOPE, *model.columns))


def _view(model: ReadModel, row: Sequence[Any]) -> AggregateView:
    id, name, revision, created, updated, by, *values = row
    read = [
        cell(value) if column in model.json else value
        for column, value in zip(model.columns, values, strict=True)
    ]
    return AggregateView(id, name, revision, created, updated, by, model.row_of(read))
