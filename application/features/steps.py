"""The ready-made step `training_frame`."""

from typing import Annotated, Any

from stackfold.application.ports import FeatureStore
from stackfold.application.runs.context import get_context
from stackfold.domain.errors import InvalidFeatures
from stackfold.domain.pipelines.pipeline import step


@step(enable_cache=False)
def training_frame(
    entities: Any,
    features: list[str] | str,
    definitions: str = "",
    feature_store: str = "",
) -> Annotated[Any, "frame"]:
    """Read features from the stack's feature store, as they were known at the time of each row.

    The step records the features and the version of their definitions. It is not cached, since its
    result depends on values that the run does not know. With `enable_cache=True`, also give
    `definitions`, which then are a part of the cache key.

    Args:
        entities: A pandas frame with the column `event_timestamp` and the columns that identify
            entities.
        features: Features as "view:feature", or the name of a feature service.
        definitions: The version that the definitions must have; empty for any.
        feature_store: The name of the feature store in the stack; empty for the default one.

    Returns:
        The frame with a column for each feature.
    """
    store: FeatureStore = get_context().component("feature_store", feature_store or None)
    if definitions and definitions != (current := store.definitions_version()):
        raise InvalidFeatures(
            f"the definitions have the version {current}, and not {definitions:.64}: apply the "
            "others, or correct the version"
        )
    return store.training_frame(entities, features)
