"""The quality of a model's predictions, to compare it with that on the reference."""

from typing import Any, NamedTuple

from stackfold.infrastructure.flavors.evidently.prepared_table import is_number

_CLASSES = 20
"""Numbers with more distinct true values than this are those of a regression."""


class Quality(NamedTuple):
    """How good predictions are."""

    name: str
    """`accuracy`, or `mean_absolute_error`."""
    value: float
    reference: float
    limit: float
    """The worst value that is accepted."""

    @property
    def is_accepted(self) -> bool:
        """Whether the model has not become too much worse."""
        if self.name == "accuracy":
            return self.value >= self.limit
        return self.value <= self.limit


def quality(data: Any, reference: Any, target: str, prediction: str, drop: float) -> Quality | None:
    """Compare the predictions in two tables with the true values.

    Args:
        data: A frame of pandas.
        reference: The frame to compare it with.
        target: The column with the true values.
        prediction: The column with the predictions.
        drop: How much worse is accepted, as a share of the value on the reference.

    Returns:
        None if one of the tables has no row with both.
    """
    pairs = [frame[[target, prediction]].dropna() for frame in (data, reference)]
    if not all(map(len, pairs)):
        return None
    numbers = all(is_number(pair[name]) for pair in pairs for name in (target, prediction))
    if numbers and pairs[1][target].nunique() > _CLASSES:
        now, before = map(_mean_error, pairs)
        return Quality("mean_absolute_error", now, before, before * (1 + drop))
    now, before = map(_accuracy, pairs)
    return Quality("accuracy", now, before, before * (1 - drop))


def _mean_error(pair: Any) -> float:
    truth, predicted = (pair.iloc[:, at].astype("float64") for at in (0, 1))
    return float((truth - predicted).abs().mean())


def _accuracy(pair: Any) -> float:
    truth, predicted = (_labels(pair.iloc[:, at]) for at in (0, 1))
    return float((truth == predicted).mean())


def _labels(column: Any) -> Any:
    """Labels that can be compared: 1 equals 1.0."""
    return column.astype("float64") if is_number(column) else column.map(str)
