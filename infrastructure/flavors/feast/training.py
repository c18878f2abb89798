"""Training frames: features as they were known at the time of each row.

Feast's store for files drops rows whose only values are too new or too old, also those of other
views, and one of two equal rows. So each view is read apart, for distinct rows, and joined here.
"""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from stackfold.application.ports.feature_store import TIMESTAMP, DataFrame
from stackfold.domain.errors import InvalidFeatures
from stackfold.infrastructure.flavors.feast.definitions import Projection

_ROW = "stackfold_row"
"""The column that numbers distinct entities."""


def historical_features(
    store: Any,
    entities: DataFrame,
    wanted: Sequence[Projection],
    names: Mapping[tuple[str, str], str],
    service: str | None,
) -> DataFrame:
    """Return the frame of entities with a column for each feature.

    Args:
        store: Feast's store.
        entities: The frame; is not changed.
        wanted: What is wanted of each view.
        names: (View, feature) → the name of its column.
        service: The feature service that wants it; None for single features.

    Raises:
        InvalidFeatures: A column that identifies entities is missing.
    """
    import pandas

    for each in wanted:
        for key in each.keys:
            if key not in entities.columns:
                raise InvalidFeatures(
                    f"the frame of entities has no column {key!r}, by which view {each.name!r} "
                    "identifies them"
                )
    parts = [entities]
    for each in wanted:
        keys, others = _columns(store, each)
        for column in others:
            if column not in entities.columns:
                raise InvalidFeatures(
                    f"the frame of entities has no column {column!r}, which view {each.name!r} uses"
                )
        part = _part(
            store, entities[[*keys, *others, TIMESTAMP]], [*keys, TIMESTAMP], each, service
        )
        part.columns = [names[each.name, feature] for feature in each.features]
        part.index = entities.index
        parts.append(part)
    return pandas.concat(parts, axis=1)


def _columns(store: Any, wanted: Projection) -> tuple[list[str], list[str]]:
    """The columns that identify entities, and others that an on-demand view computes with."""
    if not wanted.view.on_demand:
        return list(dict.fromkeys(wanted.keys)), []
    view = store.get_on_demand_feature_view(wanted.view.name)
    sources = view.source_feature_view_projections.values()
    views = [store.get_feature_view(each.name) for each in sources]
    keys = dict.fromkeys(column.name for each in views for column in each.entity_columns)
    return list(keys), [each for each in view.get_request_data_schema() if each not in keys]


def _part(
    store: Any, rows: DataFrame, identifying: list[str], wanted: Projection, service: str | None
) -> DataFrame:
    """The features of one view, for each row."""
    import pandas

    rows = rows.reset_index(drop=True)
    rows[TIMESTAMP] = pandas.to_datetime(rows[TIMESTAMP], utc=True)
    columns = [f"{wanted.name}__{feature}" for feature in wanted.features]
    if rows.empty:
        return pandas.DataFrame(columns=columns, index=rows.index)
    number = rows.groupby(list(rows.columns), dropna=False, sort=False).ngroup()
    distinct = rows.assign(**{_ROW: number}).drop_duplicates(_ROW)
    # Rows of the same entity and time that differ in other columns are read one after another.
    turn = distinct.groupby(identifying, dropna=False, sort=False).cumcount()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = [
            _read(store, group, wanted, service).to_df()[[_ROW, *columns]]
            for _, group in distinct.groupby(turn)
        ]
    found = pandas.concat(read).drop_duplicates(_ROW, keep="last").set_index(_ROW)
    return found.reindex(number).reset_index(drop=True)


def _read(store: Any, keys: DataFrame, wanted: Projection, service: str | None) -> Any:
    """What Feast will read."""
    references = [f"{wanted.name}:{feature}" for feature in wanted.features]
    if wanted.view.on_demand:
        if service is not None:  # reads its sources as the service names them
            return store.get_historical_features(
                keys, store.get_feature_service(service), full_feature_names=True
            )
        return store.get_historical_features(keys, references, full_feature_names=True)
    view = store.registry.get_any_feature_view(wanted.view.name, store.project)
    projection = view.projection
    projection.name_alias = wanted.name if wanted.name != wanted.view.name else None
    projection.join_key_map = dict(wanted.renamed)
    projection.features = [each for each in view.features if each.name in wanted.features]
    return store.provider.get_historical_features(
        store.config, [view], references, keys, store.registry, store.project, True
    )
