"""Metadata is converted to JSON by one function, wherever it is given."""

import enum
from collections import Counter, OrderedDict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import PurePosixPath
from types import MappingProxyType

import numpy as np
import pytest

from stackfold.domain.runs.metadata import recordable_part, valid_metadata


class Color(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 2


@pytest.mark.parametrize(
    ("given", "recorded"),
    [
        ((10, 3), [10, 3]),
        ([(1, 2), {"a": (3,)}], [[1, 2], {"a": [3]}]),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset({"b", 1}), ["b", 1]),
        (np.float32(0.5), 0.5),
        (np.float64(0.5), 0.5),
        (np.longdouble(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.array(0.5), 0.5),
        (np.datetime64("2026-01-02"), "2026-01-02"),
        (float("nan"), "nan"),
        (np.float32("-inf"), "-inf"),
        (Counter("aab"), {"a": 2, "b": 1}),
        (OrderedDict(a=1), {"a": 1}),
        (MappingProxyType({"a": 1}), {"a": 1}),
        ({0: 0.9, True: 1, None: 2}, {"0": 0.9, "true": 1, "null": 2}),
        ({np.int64(1): 1, Color.RED: 2}, {"1": 1, "red": 2}),
        (Color.RED, "red"),
        (Level.HIGH, 2),
        (PurePosixPath("a/b"), "a/b"),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02 00:00:00+00:00"),
        (timedelta(seconds=1), "0:00:01"),
        (Decimal("0.10"), "0.10"),
    ],
)
def test_a_value_is_recorded_as_json(given, recorded):
    (kept,) = valid_metadata({"x": given}).values()
    assert kept == recorded
    assert type(kept) is type(recorded)


def itself():
    values = []
    values.append(values)
    return values


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (object(), "is or contains an object"),
        ([b"x"], "is or contains a bytes"),
        (np.zeros(2), "is or contains a ndarray"),
        (1j, "is or contains a complex"),
        (2**64, "is or contains an integer over 64 bits"),
        ("\ud800", "a lone surrogate"),
        ({"1": 0, 1: 1}, "the key '1' twice"),
        ({(1, 2): 0}, r"the key \(1, 2\), which is not text"),
        (itself(), "contains itself"),
    ],
)
def test_a_value_that_json_cannot_represent_is_rejected_in_one_line(given, problem):
    with pytest.raises(ValueError, match=problem) as caught:
        valid_metadata({"x": given})
    assert "\n" not in str(caught.value)
    kept, (line,) = recordable_part({"kept": 1, "x": given})
    assert kept == {"kept": 1}
    assert line == f"'x', which {caught.value}"
