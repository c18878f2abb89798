"""Classify handwritten digits: train two models, and select the better one.

Run it with `python digits.py`, or `stackfold pipeline run digits.py`.
"""

from typing import Annotated

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeClassifier

from stackfold import pipeline, step


@step
def load() -> tuple[Annotated[np.ndarray, "images"], Annotated[np.ndarray, "digits"]]:
    """1,797 pictures of 8 by 8 pixels, and the digit that each one shows."""
    bundled = load_digits()
    return bundled.data, bundled.target


@step
def split(
    images: np.ndarray, digits: np.ndarray, test_share: float
) -> tuple[
    Annotated[np.ndarray, "train_images"],
    Annotated[np.ndarray, "test_images"],
    Annotated[np.ndarray, "train_digits"],
    Annotated[np.ndarray, "test_digits"],
]:
    """Set some pictures aside, to judge the models by what they have not seen."""
    return tuple(train_test_split(images, digits, test_size=test_share, random_state=0))


@step
def train_tree(images: np.ndarray, digits: np.ndarray, depth: int) -> ClassifierMixin:
    """A decision tree."""
    return DecisionTreeClassifier(max_depth=depth, random_state=0).fit(images, digits)


@step
def train_regression(images: np.ndarray, digits: np.ndarray, strength: float) -> ClassifierMixin:
    """A logistic regression; grey values go from 0 to 16."""
    return LogisticRegression(C=strength, max_iter=500).fit(images / 16, digits)


@step
def evaluate(
    tree: ClassifierMixin, regression: ClassifierMixin, images: np.ndarray, digits: np.ndarray
) -> dict[str, float]:
    """The share of pictures that each model reads right."""
    return {
        "tree": float(accuracy_score(digits, tree.predict(images))),
        "regression": float(accuracy_score(digits, regression.predict(images / 16))),
    }


@step
def pick(
    tree: ClassifierMixin, regression: ClassifierMixin, accuracy: dict[str, float]
) -> tuple[Annotated[str, "name"], Annotated[ClassifierMixin, "model"]]:
    """The better one."""
    models = {"tree": tree, "regression": regression}
    best = max(accuracy, key=accuracy.__getitem__)
    return best, models[best]


@pipeline
def training(test_share: float = 0.25, depth: int = 12, strength: float = 1.0):
    """From the pictures to the better model."""
    images, digits = load()
    train_images, test_images, train_digits, test_digits = split(images, digits, test_share)
    tree = train_tree(train_images, train_digits, depth)
    regression = train_regression(train_images, train_digits, strength)
    accuracy = evaluate(tree, regression, test_images, test_digits)
    pick(tree, regression, accuracy)


if __name__ == "__main__":
    run = training()
    accuracy = run.load("evaluate")
    best = run.load("pick", "name")
    print(f"{run.name} on stack {run.view.stack!r}, revision {run.view.stack_revision}:")
    print(f"the {best} reads {accuracy[best]:.1%} of unseen digits right")
