"""A model that tells benign tumours from malignant ones; docs/model-life.md follows its versions.

`collect` makes versions of the dataset "tumours", and `screening` makes versions of the model
"screening" from the one that is approved. The data is bundled with scikit-learn.
"""

from typing import Annotated

import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, recall_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from stackfold import Output, artifact, get_context, pipeline, step

MALIGNANT = 0


@step
def measure(patients: int) -> Annotated[pd.DataFrame, Output("tumours")]:
    """The tumours of some patients: 30 measurements of each, and whether it was benign."""
    tumours = load_breast_cancer(as_frame=True).frame
    return tumours[tumours.index % 4 > 0].head(patients)


@pipeline
def collect(patients: int = 100) -> None:
    """Collect data to train on."""
    measure(patients)


@step
def train(tumours: pd.DataFrame, measurements: int) -> Annotated[Pipeline, "classifier"]:
    """Fit a model that uses only the first of the measurements."""
    first = ColumnTransformer([("first", StandardScaler(), slice(measurements))])
    model = make_pipeline(first, LogisticRegression(max_iter=1000))
    return model.fit(tumours.drop(columns="target").to_numpy(), tumours["target"].to_numpy())


@step
def evaluate(model: Pipeline) -> None:
    """Judge a model by a quarter of the patients, whom no version has seen."""
    tumours = load_breast_cancer(as_frame=True).frame
    unseen = tumours[tumours.index % 4 == 0]
    predicted = model.predict(unseen.drop(columns="target").to_numpy())
    found = recall_score(unseen["target"], predicted, pos_label=MALIGNANT)
    accuracy = accuracy_score(unseen["target"], predicted)
    get_context().log_metadata({"accuracy": round(accuracy, 3), "found": round(found, 3)})


@pipeline(model="screening")
def screening(measurements: int = 10) -> None:
    """Make a version of the model."""
    evaluate(train(artifact("tumours@approved"), measurements))
