"""Which customers are about to leave: one file, on six tools or on stand-ins for them.

`learn` reads features, checks them, trains a model, and has people label the customers that the
model is unsure about; `learn_again` trains on their labels, too; `watch` compares later customers
with those that the model has seen. `docs/churn.md` runs it.
"""

from datetime import UTC, datetime
from typing import Annotated

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from stackfold import Output, alert_on_failure, artifact, get_context, pipeline, step
from stackfold.errors import NotFound
from stackfold.steps import compare_with_reference, validate

FEATURES = ["activity:visits", "activity:spent"]
NAMES = ["visits", "spent"]
EXPECTATIONS = """
schema_type: dataframe
version: 0.20.4
columns:
  visits:
    dtype: float64
    nullable: false
    checks: {greater_than_or_equal_to: 0, less_than_or_equal_to: 60}
  spent:
    dtype: float64
    nullable: false
    checks: {greater_than_or_equal_to: 0}
checks: null
index: null
dtype: null
coerce: true
strict: false
"""
"""As pandera writes it: a visit a day at most twice, and no negative amounts."""


@step
def read_features(month: int) -> Annotated[pd.DataFrame, Output("customers-{month}")]:
    """The customers of the first day of a month, with their features as they were known then."""
    entities = pd.DataFrame(
        {
            "customer_id": np.arange(1, 121),
            "event_timestamp": datetime(2026, month, 1, tzinfo=UTC),
        }
    )
    return get_context().feature_store.training_frame(entities, FEATURES)


@step
def read_outcomes(month: int) -> Annotated[pd.Series, "left"]:
    """Whether each of those customers left in that month."""
    # Would come from the billing system. Here, those left who came seldom, and some by chance.
    chance = np.random.default_rng(month)
    visits = 2 + np.arange(120) % 12
    return pd.Series(chance.normal(visits, 2) < 6, name="left")


@step
def train(customers: pd.DataFrame, left: pd.Series) -> Annotated[Pipeline, "model"]:
    """Fit a model that estimates the probability that a customer leaves."""
    model = make_pipeline(StandardScaler(), LogisticRegression())
    model.fit(customers[NAMES].to_numpy(), left.to_numpy())
    accuracy = model.score(customers[NAMES].to_numpy(), left.to_numpy())
    get_context().log_metadata({"accuracy": round(float(accuracy), 3)})
    return model


@step
def ask_people(model: Pipeline, customers: pd.DataFrame, month: int) -> int:
    """Have people label the customers that the model is least sure about."""
    probability = model.predict_proba(customers[NAMES].to_numpy())[:, 1]
    unsure = customers.loc[np.argsort(np.abs(probability - 0.5))[:3], ["customer_id", *NAMES]]
    annotator = get_context().annotator
    try:
        return annotator.add_items(f"unsure-{month}", unsure)
    except NotFound:
        return annotator.create_dataset(f"unsure-{month}", ["stays", "leaves"], unsure).items


@step(enable_cache=False)
def read_labels(month: int) -> Annotated[pd.DataFrame, Output("labels-{month}")]:
    """What people said of those customers so far."""
    found = get_context().annotator.labelled(f"unsure-{month}")
    labels = [str(next(iter(each.labels.values()))) for each in found]
    return pd.DataFrame([each.item for each in found]).assign(left=np.array(labels) == "leaves")


@step
def join(
    customers: pd.DataFrame, left: pd.Series, labels: pd.DataFrame
) -> tuple[Annotated[pd.DataFrame, "customers"], Annotated[pd.Series, "left"]]:
    """Customers and outcomes, with those that people have labelled once more."""
    return (
        pd.concat([customers[NAMES], labels[NAMES]], ignore_index=True),
        pd.concat([left, labels["left"]], ignore_index=True),
    )


@pipeline(model="churn", on_failure=alert_on_failure)
def learn(month: int = 3) -> None:
    """Train on the customers of a month."""
    customers = read_features(month)
    checked = validate(customers, EXPECTATIONS, name="customers-check")
    model = train.after(checked)(customers, read_outcomes(month))
    ask_people(model, customers, month)


@pipeline(model="churn", on_failure=alert_on_failure)
def learn_again(month: int = 3) -> None:
    """Train on the customers of a month, and on what people said of some of them."""
    customers = read_features(month)
    checked = validate(customers, EXPECTATIONS, name="customers-check")
    both, left = join.after(checked)(customers, read_outcomes(month), read_labels(month))
    train(both, left)


@pipeline(on_failure=alert_on_failure)
def watch(month: int) -> None:
    """Compare the customers of a month with those of March, and alert if they have changed."""
    compare_with_reference(read_features(month), artifact("customers-3"), columns=tuple(NAMES))
