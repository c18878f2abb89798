"""What Feast knows of the customers: beside its `feature_store.yaml`, `feast apply` records it."""

from datetime import timedelta

from feast import Entity, FeatureView, Field, FileSource, ValueType
from feast.types import Float64

customer = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.INT64)
source = FileSource(
    name="activity",
    path="activity.parquet",
    timestamp_field="event_timestamp",
    created_timestamp_column="created",
)
activity = FeatureView(
    name="activity",
    entities=[customer],
    ttl=timedelta(days=14),
    schema=[Field(name="visits", dtype=Float64), Field(name="spent", dtype=Float64)],
    source=source,
)
