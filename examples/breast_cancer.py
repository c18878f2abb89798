"""Classify tumours as malignant or benign: train several models, select the best, plot scores.

Run it with `python breast_cancer.py`, or `stackfold pipeline run breast_cancer.py`. The data is
bundled with scikit-learn. The last step requires an approval: the run fails without a file
`approved` in the current folder, and can be resumed once the file exists.
"""

import time
from pathlib import Path
from typing import Annotated

import pandas as pd
from matplotlib.figure import Figure
from sklearn.base import BaseEstimator
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from stackfold import get_context, pipeline, step
from stackfold.errors import StackfoldError

MODELS = {
    "logistic": lambda seed: make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
    "forest": lambda seed: RandomForestClassifier(n_estimators=50, random_state=seed),
    "boosting": lambda seed: HistGradientBoostingClassifier(max_iter=50, random_state=seed),
}
"""Name → a model that has learned nothing yet, made with a seed."""


@step
def load() -> pd.DataFrame:
    """569 tumours, 30 measurements of each, and whether it was benign."""
    return load_breast_cancer(as_frame=True).frame


@step
def split(
    tumours: pd.DataFrame, test_share: float, seed: int
) -> tuple[Annotated[pd.DataFrame, "known"], Annotated[pd.DataFrame, "unseen"]]:
    """Set some aside, to judge the models by what they have not seen."""
    known, unseen = train_test_split(tumours, test_size=test_share, random_state=seed)
    return known, unseen


@step
def train(known: pd.DataFrame, model: str, seed: int) -> BaseEstimator:
    """Fit one of the models."""
    began = time.perf_counter()
    fitted = MODELS[model](seed).fit(known.drop(columns="target"), known["target"])
    get_context().log_metadata({"seconds": round(time.perf_counter() - began, 3)})
    return fitted


@step
def evaluate(
    models: dict[str, BaseEstimator], unseen: pd.DataFrame
) -> Annotated[dict[str, float], "scores"]:
    """The area under the ROC curve of each model; 0.5 is guessing and 1 is perfect."""
    measured, benign = unseen.drop(columns="target"), unseen["target"]
    scores = {
        name: round(float(roc_auc_score(benign, model.predict_proba(measured)[:, 1])), 3)
        for name, model in models.items()
    }
    get_context().log_metadata(scores, output="scores")
    return scores


@step
def plot(scores: dict[str, float]) -> Annotated[Figure, "chart"]:
    """The scores side by side; kept as a picture."""
    figure = Figure(figsize=(5, 2.5), layout="constrained")
    axes = figure.subplots()
    axes.barh(list(scores), list(scores.values()))
    axes.set_xlim(0.9, 1)
    axes.set_xlabel("area under the ROC curve")
    return figure


@step
def pick(models: dict[str, BaseEstimator], scores: dict[str, float]) -> BaseEstimator:
    """The model with the highest score."""
    best = max(scores, key=scores.__getitem__)
    get_context().log_metadata({"model": best}, output="output")
    return models[best]


@step(enable_cache=False)
def approve(model: BaseEstimator) -> str:
    """Who approved the model; there must be a file that says so."""
    if not Path("approved").exists():
        raise PermissionError("nobody has approved: write a name into a file 'approved'")
    return Path("approved").read_text().strip()


@pipeline(tags=["example"], failure_mode="continue_on_failure")
def selection(test_share: float = 0.25, seed: int = 0):
    """From the measurements to a model that somebody has approved."""
    known, unseen = split(load(), test_share, seed)
    models = {name: train.with_options(name=f"train_{name}")(known, name, seed) for name in MODELS}
    scores = evaluate(models, unseen)
    plot(scores)
    approve(pick(models, scores))


if __name__ == "__main__":
    try:
        run = selection()
    except StackfoldError as error:
        raise SystemExit(str(error)) from None
    for name, score in run.load("evaluate").items():
        print(f"{name:10} {score:.3f}")
    print(f"approved by {run.load('approve')}")
