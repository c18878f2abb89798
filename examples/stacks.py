"""Classify handwritten digits, on any stack.

Run it with `python stacks.py`. `make demo-stacks` runs it on five stacks.
"""

from typing import Annotated

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split

from stackfold import get_context, pipeline, step


@step
def load() -> tuple[Annotated[np.ndarray, "images"], Annotated[np.ndarray, "digits"]]:
    """1,797 pictures of 8 by 8 pixels, and the digit that each one shows."""
    bundled = load_digits()
    return bundled.data / 16, bundled.target


@step
def train(
    images: np.ndarray, digits: np.ndarray, strength: float
) -> Annotated[ClassifierMixin, "model"]:
    """A logistic regression, on three pictures of four."""
    seen, _, known, _ = train_test_split(images, digits, random_state=0)
    model = LogisticRegression(C=strength, max_iter=500).fit(seen, known)
    tracker = get_context().tracker
    tracker.log_parameters({"kind": type(model).__name__, "pictures": len(seen)})
    tracker.log_metrics({"loss": log_loss(known, model.predict_proba(seen))})
    return model


@step
def evaluate(
    model: ClassifierMixin, images: np.ndarray, digits: np.ndarray
) -> Annotated[float, "accuracy"]:
    """The share of the other pictures that it reads right."""
    _, unseen, _, unknown = train_test_split(images, digits, random_state=0)
    accuracy = float(accuracy_score(unknown, model.predict(unseen)))
    get_context().tracker.log_metrics({"accuracy": accuracy})
    return accuracy


@pipeline(enable_cache=False)  # each stack is to do the work itself
def reading(strength: float = 1.0):
    """From the pictures to the accuracy."""
    images, digits = load()
    evaluate(train(images, digits, strength), images, digits)


if __name__ == "__main__":
    run = reading()
    print(f"{run.name} on stack {run.view.stack!r}: reads {run.load('evaluate'):.1%} right")
