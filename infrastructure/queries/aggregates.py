"""Queries for aggregates of other packages, in plain SQL."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from stackfold.application.eventsourcing.aggregate_type import AggregateType
from stackfold.application.eventsourcing.as_of import AsOf
from stackfold.application.eventsourcing.cells import cell
from stackfold.application.eventsourcing.read_model import ReadModel
from stackfold.application.own_aggregates.queries import AggregateView
from stackfold.domain.errors import ReadModelDamaged
from stackfold.infrastructure.database.package_registry import PackageRegistry
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.queries.as_of import position_of
from stackfold.infrastructure.queries.lookup import find_row, valid_at
from stackfold.infrastructure.queries.text import encodable

Rows = TypeVar("Rows", bound=Sequence[Any])

_ATTEMPTS = 10
"""How often to build the tables that others removed before they were read."""
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
        self,
        declared: AggregateType,
        where: Mapping[str, str | int],
        limit: int | None,
        as_of: int | None,
    ) -> list[AggregateView]:
        """The aggregates whose rows have some values, by name."""
        model = _model(declared)
        source, parameters = valid_at(model.table, as_of)
        conditions = "".join(f" AND t.{column} = ?" for column in where)
        values = [encodable(each) if isinstance(each, str) else each for each in where.values()]
        end = "" if limit is None else " LIMIT ?"
        select = f"SELECT t.id, t.name{_columns(model)} {source}{conditions} ORDER BY t.name, t.id"
        given = [*parameters, *values, *([] if limit is None else [limit])]
        rows = self._current(declared, lambda: self._database.read(f"{select}{end}", given))
        return [_view(model, row) for row in rows]

    def one(self, declared: AggregateType, reference: str, as_of: int | None) -> AggregateView:
        """The aggregate with a name, an id or a unique prefix of either."""
        model = _model(declared)
        table, columns = model.table, _columns(model)
        row = self._current(
            declared,
            lambda: find_row(self._database, table, model.topic, "", (), reference, as_of, columns),
        )
        return _view(model, row)

    def _current(self, declared: AggregateType, read: Callable[[], Rows]) -> Rows:
        """Read the tables in a state in which they are current."""
        registry = PackageRegistry(self._database)

        def attempt() -> Rows | None:
            return read() if registry.is_current(declared) else None

        for _ in range(_ATTEMPTS):
            self._require(declared)
            rows = self._database.consistently(attempt)
            if rows is not None:
                return rows
        raise ReadModelDamaged(f"other programs rebuild the read model of {declared.topic!r}")


def _model(declared: AggregateType) -> ReadModel:
    assert declared.projection, "a collection has a read model"  # noqa: S101
    return declared.projection.read_model


def _columns(model: ReadModel) -> str:
    return "".join(f", t.{column}" for column in (*_ENVELOPE, *model.columns))


def _view(model: ReadModel, row: Sequence[Any]) -> AggregateView:
    id, name, revision, created, updated, by, *values = row
    read = [
        cell(value) if column in model.json else value
        for column, value in zip(model.columns, values, strict=True)
    ]
    return AggregateView(id, name, revision, created, updated, by, model.row_of(read))
