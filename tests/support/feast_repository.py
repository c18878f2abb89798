"""A feature repository of Feast, with the views that the contract of feature stores reads."""

import warnings
from datetime import timedelta

from stackfold.testing.contracts.feature_store import SPENT, VISITS, ago

SETTINGS = """\
project: shop
registry: registry.db
provider: local
online_store:
  type: sqlite
  path: online.db
offline_store:
  type: file
entity_key_serialization_version: 3
"""


def create(folder):
    """Write the settings and the values, and apply the definitions."""
    import pandas

    folder.mkdir(exist_ok=True)
    (folder / "feature_store.yaml").write_text(SETTINGS)
    for name, feature, values in (("spending", "spent", SPENT), ("visiting", "visits", VISITS)):
        frame = pandas.DataFrame(
            {
                "customer": [customer for customer, _, _ in values],
                "event_timestamp": [ago(hours) for _, hours, _ in values],
                feature: [value for _, _, value in values],
            }
        )
        frame.to_parquet(folder / f"{name}.parquet")
    apply(folder)


def apply(folder, days=1, more=()):
    """Apply the definitions, as `feast apply` does; values of "spending" can be used for `days`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import feast
        from feast.types import Float64, Int64

        def view(name, feature, type, **options):
            source = feast.FileSource(path=f"{name}.parquet", timestamp_field="event_timestamp")
            schema = [feast.Field(name=feature, dtype=type)]
            entities = [customer]
            return feast.FeatureView(
                name=name, entities=entities, schema=schema, source=source, **options
            )

        customer = feast.Entity(
            name="customer", join_keys=["customer"], value_type=feast.ValueType.INT64
        )
        spending = view("spending", "spent", Float64, ttl=timedelta(days=days))
        visiting = view("visiting", "visits", Int64)
        churn = feast.FeatureService(name="churn", features=[spending, visiting])
        store = feast.FeatureStore(repo_path=str(folder))
        store.apply([customer, spending, visiting, churn, *(each(spending) for each in more)])
