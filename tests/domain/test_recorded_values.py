"""A step receives what is read back from the record of its parameters, and so does a rerun."""

import ipaddress
import json
import math
import re
import subprocess
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from datetime import UTC, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from exact_values import (
    VALUES,
    Base,
    Box,
    Celsius,
    Colour,
    Counting,
    Deep,
    Derived,
    Frozen,
    Model,
    Numbers,
    Open,
    Pair,
    Plain,
    Right,
    StrictModel,
    Temperature,
    Whole,
    digest,
    round_trip,
    same,
)
from hypothesis import HealthCheck, given, settings
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ByteSize,
    Strict,
)

from stackfold.domain.exact_json.display import readable, text_of
from stackfold.domain.pipelines.pipeline import Pipeline, step


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(VALUES)
def test_an_unhinted_value_is_read_back_exactly(value):
    got, again = round_trip(value)
    assert same(got, value)
    assert same(again, value)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(VALUES, VALUES)
def test_values_have_equal_keys_if_and_only_if_they_are_the_same(one, other):
    assert (digest(one) == digest(other)) == same(one, other)
    assert digest(one) == digest(round_trip(one)[1])


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(VALUES, VALUES)
def test_different_values_are_displayed_differently(one, other):
    assert same(one, other) or text_of(one) != text_of(other)
    json.dumps(readable(one), allow_nan=False).encode()


BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (Derived(depth=3), Base), (Derived(depth=3), Any), ([Derived(), Base()], list[Base]),
        (Deep(depth=3), Model), (Whole(model=Deep(depth=3)), Whole),
        (Whole(model=Model(), several=[Derived(), Deep()]), Whole), (Model(hidden=5), Model),
        ({"a": Deep(depth=2)}, dict[str, Model]), (Derived(), int | Base),
        (StrictModel(tags={"b", "a"}), StrictModel), (Box[int](held=1), Box[int]),
        (Box[Base](held=Derived()), Any), (Numbers([1, 2]), Numbers), (Open(x=(1,)), Open),
        (Counting([1, 2]), Counting), (Pair(1, {2}), Pair), (Plain(1, (2,)), Any),
        (Frozen((1, [2])), Frozen), (Right.READ | Right.WRITE, Right),
        (Colour.RED, Literal[Colour.RED]),
        ((1, 2), Any), ([1, 2], Any), ({1, 2}, Any), (frozenset({"a"}), Any), (b"x", Any),
        ({0: 1.0, 1: 5.0}, Any), ({0: 1.0, 1: 5.0}, dict), ({(1, 2): None}, Any),
        ({"b": 1, "a": 2}, dict[str, int]), ({"$tuple": [1]}, Any), ({"$in": [1]}, dict),
        (Path("x"), Path | str), ("x", Path | str), (PureWindowsPath("a\\b"), Any),
        (PurePosixPath("a/b"), Any), (2**63, int), (-(10**5000), int), ("\ud800", str),
        (math.nan, float), (math.inf, float), (-0.0, float), (1, float | int), (True, Any),
        (datetime(2024, 10, 27, 2, 30, tzinfo=BERLIN, fold=1), datetime),
        (datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=1), "CET")), datetime),
        (time(1, 2, tzinfo=UTC), time), (BERLIN, ZoneInfo), (timedelta(days=1), timedelta),
        (Decimal("1.10"), Decimal), (Fraction(1, 3), Fraction), (UUID(int=7), UUID),
        (complex(-0.0, math.inf), complex), (bytearray(b"x"), Any), (range(1, 9, 2), Any),
        (re.compile("a+", re.I), re.Pattern), (deque([1], maxlen=2), deque[int]),
        (OrderedDict(b=1, a=2), OrderedDict[str, int]), (Counter("aab"), Counter[str]),
        (defaultdict(list, {"b": [1]}), defaultdict[str, list[int]]), (ByteSize(5), ByteSize),
        (ipaddress.ip_network("10.0.0.0/8"), ipaddress.IPv4Network), (Celsius(3), Temperature),
        (["b", "a"], list[Annotated[str, Strict()]]),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)  # fmt: skip
def test_a_record_is_read_back_as_the_value_that_the_step_received(value, hint):
    got, again = round_trip(value, hint)
    assert same(got, again)
    assert same(got, value)
    assert got is not value or not isinstance(value, list | dict | set | Base | BaseModel)
    json.dumps(readable(got), allow_nan=False).encode()
    assert text_of(got)


def test_a_computed_property_is_computed_again():
    model, counting = Model(Name="abc"), Counting([4])
    assert (model.length, counting.half) == (3, 2)
    assert round_trip(model)[1].length == 3
    assert round_trip(counting)[1].half == 2


def test_a_time_that_was_given_as_text_has_a_time_zone_of_python():
    got, again = round_trip("2024-01-01T00:00:00+02:00", datetime)
    assert type(got.tzinfo) is timezone
    assert repr(got) == repr(again)
    assert got == datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=2)))


def test_the_result_of_a_validator_is_not_validated_again():
    doubled = Annotated[int, AfterValidator(lambda value: value * 2)]
    parsed = Annotated[list[int], BeforeValidator(lambda text: [int(x) for x in text.split(",")])]
    assert round_trip(2, doubled) == (4, 4)
    assert round_trip("1,2", parsed) == ([1, 2], [1, 2])


@pytest.mark.parametrize(
    ("value", "hint", "plain"),
    [
        (np.float64(0.5), float, 0.5), (np.float32(0.5), Any, 0.5), (np.int64(3), int, 3),
        (np.bool_(True), bool, True), (np.str_("a"), str, "a"), (np.complex128(1j), Any, 1j),
        ([np.int64(1)], list[int], [1]), ({"a": (np.float64(2),)}, Any, {"a": (2.0,)}),
        ({np.int64(1): np.str_("b")}, dict, {1: "b"}), (Base(np.str_("x")), Base, Base("x")),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_a_scalar_of_numpy_becomes_a_number_of_python(value, hint, plain):
    got, again = round_trip(value, hint)
    assert same(got, plain)
    assert same(again, plain)
    assert digest(value, hint) == digest(plain, hint)


def test_the_order_of_a_set_depends_only_on_its_elements():
    program = (
        f"import sys; sys.path[:] = {sys.path!r}\n"
        "from stackfold.domain.pipelines.pipeline import step\n"
        "take = step(name='take')(lambda it: None)\n"
        "print(take.signature.validated('it', {*'abcdef', 1, (2,)}).record)"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(told) == 1


# -- nobody else's to change


def test_each_call_receives_a_new_copy_of_a_mutable_default():
    seen = []

    @step
    def take(rows: list[int] = [0], *, more: Any = {"a": []}) -> None:  # noqa: B006
        pass

    def connecting(columns=["x"]):  # noqa: B006
        seen.append(list(columns))
        columns.append("y")
        take(columns and [1])

    pipeline = Pipeline(connecting)
    graphs = [pipeline.graph() for _ in range(3)]
    assert seen == [["x"]] * 3
    assert [graph.parameters for graph in graphs] == [{"columns": ["x"]}] * 3
    (node,) = graphs[0].nodes
    assert node.arguments == {"rows": [1], "more": {"a": []}}
    assert node.arguments["more"] is not take.function.__kwdefaults__["more"]


def test_a_later_change_by_the_pipeline_does_not_affect_a_parameter():
    take = step(name="take")(lambda it: None)

    def connecting():
        columns: list[str] = []
        for name in "ab":
            columns.append(name)
            take(columns)

    nodes = Pipeline(connecting).graph().nodes
    assert [node.arguments["it"] for node in nodes] == [["a"], ["a", "b"]]
    assert [node.parameters["it"] for node in nodes] == [["a"], ["a", "b"]]
