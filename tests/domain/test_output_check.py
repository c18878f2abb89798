"""A return value must match the outermost type of its hint; numbers are converted."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, NewType, Optional, Protocol, TypedDict, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from pydantic import BaseModel, EmailStr

from stackfold.domain.errors import OutputMismatch
from stackfold.domain.pipelines.output_check import MISMATCH, checked_outputs, matched
from stackfold.domain.pipelines.signature import OutputDefinition, Signature

T = TypeVar("T")
UserId = NewType("UserId", int)


class Row(TypedDict):
    name: str


class Sized(Protocol):
    def size(self) -> int: ...


class Color(Enum):
    RED = "red"


class Model(BaseModel):
    pass


class Box(Generic[T]):
    pass


class Meters(float):
    pass


def made_again(kind):
    return type(kind.__name__, (), {"__module__": kind.__module__, "__qualname__": kind.__name__})


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (Any, object()),
        (object, 1),
        (int, 3),
        (int, True),
        (float, Meters(1.5)),
        (float, 2**60 + 1),
        (float, 10**400),
        (str, "a"),
        (list, [1]),
        (list[int], ["a"]),
        (dict[str, int], {}),
        (tuple[int, ...], ("a",)),
        (tuple, (1, 2)),
        (Optional[int], None),  # noqa: UP045
        (int | None, 3),
        (int | str, "a"),
        (int | float, 3),
        (float | int, 3),
        (Literal["a", "b"], "b"),
        (Literal[Color.RED], Color.RED),
        (Annotated[int, "count"], 3),
        (Annotated[int, "count"] | None, 3),
        (UserId, 3),
        (Row, {"other": 1}),
        (Sized, 3),
        (T, 3),
        (Box[T] | T, 3),
        (Callable[[int], int], 3),
        (Iterator[int], 3),
        (Iterable[int], [3]),
        (Sequence[int], [3]),
        (Mapping[str, int], {}),
        (Path, Path("a")),
        (Model, Model()),
        (EmailStr, "ada@example.org"),
        (Box[int], Box()),
        (type[int], int),
        (np.ndarray, np.zeros(2)),
        (npt.NDArray[np.float64], np.zeros(2, int)),
        (npt.ArrayLike, 3),
        (np.float64, np.float64(1)),
        (np.floating, np.float32(1)),
        (np.number, np.float32(1)),
        (pd.DataFrame, pd.DataFrame()),
        (pd.Timestamp, pd.NaT),
        (datetime, pd.NaT),
        (Box, made_again(Box)()),
        ("a text", 3),
        (3, 3),
    ],
)
def test_a_matching_value_is_unchanged(hint, value):
    assert matched(hint, value) is value


@pytest.mark.parametrize(
    ("hint", "value", "stored"),
    [
        (float, 3, 3.0),
        (float, True, 1.0),
        (float, np.float32(0.5), 0.5),
        (float, np.float64(0.5), 0.5),
        (float, np.int64(3), 3.0),
        (float, np.int64(2**60 + 1), 2**60 + 1),
        (int, np.int32(3), 3),
        (bool, np.bool_(True), True),
        (complex, 1.5, 1.5 + 0j),
        (float | None, 3, 3.0),
        (float | int, np.int64(3), 3),
        (int | float, np.float64(0.5), 0.5),
        (UserId, np.int64(3), 3),
        (Literal[1, 2], np.int64(2), 2),
        (Literal["a"], np.str_("a"), "a"),
        (np.float64, 0.5, np.float64(0.5)),
        (np.float32, 0.1, 0.1),
        (np.int64, 3, np.int64(3)),
        (np.int8, 300, 300),
        (np.bool_, True, np.bool_(True)),
    ],
)
def test_a_number_is_converted_to_its_hint_if_it_remains_equal(hint, value, stored):
    fit = matched(hint, value)
    assert fit == stored
    assert type(fit) is type(stored)


def test_nan_remains_nan():
    fit = matched(float, np.float64("nan"))
    assert type(fit) is float
    assert math.isnan(fit)


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (int, "3"),
        (int, 3.0),
        (int, np.float64(3)),
        (int, (3, 4)),
        (int, None),
        (float, "nan"),
        (float, Decimal(1)),
        (float, np.zeros(1)),
        (float, np.timedelta64(1)),
        (bool, 1),
        (str, b"a"),
        (str, 3),
        (list[int], (1,)),
        (tuple[int, ...], [1]),
        (dict, [1]),
        (int | None, "a"),
        (Literal["a"], "b"),
        (Literal[1], True),
        (UserId, "a"),
        (Row, [1]),
        (Path, "a"),
        (Model, {}),
        (Box[int], 3),
        (type[int], 3),
        (Sequence[int], {1}),
        (pd.DataFrame, pd.Series([1])),
        (np.ndarray, [1]),
        (np.int64, 1.5),
        (pd.DataFrame, pd.NaT),
        (None, 3),
    ],
)
def test_a_value_that_does_not_match_is_rejected(hint, value):
    assert matched(hint, value) is MISMATCH


def outputs_of(function):
    return Signature("step 'a'", function).outputs


def two() -> tuple[Annotated[int, "left"], Annotated[float, "right"]]: ...


@pytest.mark.parametrize(
    ("returned", "line"),
    [
        ([1, 2.0], "returned a list where it declares left, right: return a tuple"),
        ((1, 2, 3), "returned 3 values where it declares left, right"),
        (5, "returned an int where it declares left, right"),
        (("a", 1), "returned a str as 'left' where it declares int"),
        ((1, Path()), "returned a pathlib.PosixPath as 'right' where it declares float"),
    ],
)
def test_several_outputs_are_a_tuple_of_matching_values(returned, line):
    with pytest.raises(OutputMismatch, match=line):
        checked_outputs("a", outputs_of(two), returned)
    assert checked_outputs("a", outputs_of(two), (1, 2)) == [("left", 1), ("right", 2.0)]


def test_a_step_that_declares_nothing_returns_nothing():
    assert checked_outputs("a", (), None) == []
    with pytest.raises(OutputMismatch, match="step 'a' returned an int where it declares None"):
        checked_outputs("a", (), 3)


def test_the_line_names_both_types():
    declared = (OutputDefinition("output", list[int] | None),)
    with pytest.raises(OutputMismatch) as caught:
        checked_outputs("a", declared, "x")
    assert str(caught.value).startswith(
        "step 'a' returned a str where it declares list[int] | None: correct one of them"
    )
