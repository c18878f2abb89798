"""Values come back from the artifact store exactly as they were."""

import io
import math
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, Flag
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, PrivateAttr
from round_trip import MATERIALIZERS, round_trip, stored

from stackfold.domain.errors import ArtifactDamaged, UnknownClass
from stackfold.domain.exact_json.class_finder import class_finder


def same(one: Any, other: Any) -> bool:
    """Equal, of the same types all the way down, with nan equal to itself and 0.0 not to -0.0."""
    if type(one) is not type(other):
        return False
    match one:
        case float() | Decimal():
            return repr(one) == repr(other)
        case list() | tuple():
            return len(one) == len(other) and all(map(same, one, other))
        case dict():
            return same(list(one.items()), list(other.items()))
        case set() | frozenset():
            return len(one) == len(other) and all(any(same(a, b) for b in other) for a in one)
        case Point():
            return same(vars(one), vars(other))
    return bool(one == other)


class Colour(Enum):
    RED = "r"
    BLUE = 2


class Right(Flag):
    READ = 1
    WRITE = 2


@dataclass
class Point:
    x: float
    y: float = 0.0
    tags: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Line:
    ends: tuple[Point, Point]
    colour: Colour = Colour.RED


class Settings(BaseModel):
    name: str
    line: Line | None = None
    when: datetime | None = None


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    _note: str = PrivateAttr("")


# -- exactness


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()))
    | st.binary()
    | st.uuids()
    | st.decimals().filter(lambda number: not number.is_snan())
    | st.dates()
    | st.timedeltas()
    | st.datetimes()
    | st.datetimes(timezones=st.just(UTC))
    | st.sampled_from(Colour)
)
HASHABLE = st.recursive(
    SCALARS, lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3), max_leaves=4
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(HASHABLE, inner)
        | st.dictionaries(st.text(), inner)
        | st.sets(HASHABLE, max_size=3)
        | st.builds(Point, inner, inner)
    ),
    max_leaves=12,
)


@pytest.mark.slow
@given(VALUES)
def test_a_plain_value_comes_back_exactly(value):
    _, back = round_trip(value)
    assert same(back, value)


@pytest.mark.parametrize(
    "value",
    [
        None, True, False, 0, 1, -1, 2**53, 2**53 + 1, 10**5000, -(2**64),
        0.0, -0.0, 0.1, 5e-324, math.inf, -math.inf, math.nan,
        "", "naïve 数据 🙂", "\ud800", "\ud83d\ude42", "$tuple",
        [], [1, True, 1.0], [[1], (1,)], (), (1, [2]), ((), ((),)),
        {}, {"a": 1}, {1: "a", True.__class__.__name__: None}, {(1, 2): {3}}, {"$tuple": [1]},
        {"$dict": 1, "b": 2}, {"\ud800": 1}, {None: None},
        set(), {1, "1", (1,)}, frozenset({frozenset()}), [{"a": ({1.5},)}],
        Path("data/näive file.txt"), UUID(int=7), Decimal("1.10"), Decimal("NaN"),
        date(2024, 2, 29), timedelta(days=-1, microseconds=1),
        datetime.fromisoformat("2024-01-01T12:30:00.000005"), datetime(2024, 1, 1, tzinfo=UTC),
        datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=-3, seconds=1))),
        Colour.BLUE, Point(1, 2.0, {"a"}), Line((Point(0), Point(math.inf)), Colour.BLUE),
        Settings(name="n"), Settings(name="n", line=Line((Point(0), Point(1)))),
        Open(x=1, y=(2,)), [Settings(name="n", when=datetime(2024, 1, 1, tzinfo=UTC))],
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_a_value_is_written_as_json_and_comes_back_exactly(value):
    name, back = round_trip(value)
    assert name == "json"
    assert same(back, value)


def test_a_model_remembers_which_fields_were_given():
    _, back = round_trip(Settings(name="n", when=None))
    assert back.model_fields_set == {"name", "when"}


def test_a_model_keeps_its_private_attributes():
    value = Open()
    value._note = "kept"
    name, back = round_trip(value)
    assert (name, back, back._note) == ("json", value, "kept")


def test_what_json_has_is_written_as_json_readers_expect_it():
    value = {"name": "näive", "scores": [0.5, 1], "best": None}
    assert stored(value) == ("json", '{"name":"näive","scores":[0.5,1],"best":null}'.encode())


def test_equal_sets_are_equal_bytes():
    one = {str(number) for number in range(100)}
    other = {str(number) for number in reversed(range(100))}
    assert stored(one) == stored(other)


def test_bytes_are_written_as_they_are():
    assert stored(b"\0\xff") == ("bytes", b"\0\xff")
    assert round_trip(b"\0\xff") == ("bytes", b"\0\xff")


# -- everything else is pickled, and the artifact says so


class Plain:
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, x):
        self.x = x

    def __eq__(self, other):
        return vars(self) == vars(other)


class Text(str):
    pass


@dataclass
class Growing:
    x: int

    def grown(self):
        self.y = self.x + 1  # not a field
        return self


@pytest.mark.parametrize(
    "value",
    [
        Plain(1),
        [1, Plain(1)],
        {"a": Plain(1)},
        Text("a"),
        bytearray(b"a"),
        complex(1, 2),
        range(3),
        Right.READ | Right.WRITE,
        Growing(1).grown(),
        datetime.fromisoformat("2024-10-27T02:30:00").replace(fold=1),
        datetime(2024, 1, 1, tzinfo=ZoneInfo("Europe/Paris")),
        datetime(2024, 1, 1, tzinfo=timezone(timedelta(0), "Zulu")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_json_cannot_carry_exactly_is_pickled(value):
    name, back = round_trip(value)
    assert name == "cloudpickle"
    assert type(back) is type(value)
    assert back == value


def test_functions_and_classes_of_a_function_are_pickled():
    @dataclass
    class Local:
        x: int

    name, back = round_trip([Local(1), lambda: 2])
    assert name == "cloudpickle"
    assert back[0] == Local(1)
    assert back[1]() == 2


def test_a_list_that_holds_itself_is_pickled():
    value: list[Any] = []
    value.append(value)
    name, back = round_trip(value)
    assert name == "cloudpickle"
    assert back[0] is back


# -- classes


def test_a_class_is_found_in_the_hint_of_the_input_that_takes_it(monkeypatch):
    monkeypatch.delitem(sys.modules, __name__)
    name, back = round_trip([Line((Point(0), Point(1)))], hint=list[Line] | None)
    assert (name, back) == ("json", [Line((Point(0), Point(1)))])


def test_a_class_is_found_among_the_globals_of_the_step(monkeypatch):
    monkeypatch.delitem(sys.modules, __name__)
    find_class = class_finder(function=test_a_class_is_found_among_the_globals_of_the_step)
    assert find_class(f"{__name__}.Point") is Point


def test_reading_imports_nothing():
    _, written = stored(Point(1))
    forged = written.replace(f"{__name__}.Point".encode(), b"this.Point")
    reader = MATERIALIZERS.named("json", "the artifact")
    with pytest.raises(UnknownClass, match=r"this\.Point, which this program has not imp"):
        reader.read(io.BytesIO(forged), "this.Point", class_finder())
    assert "this" not in sys.modules


@pytest.mark.parametrize("name", ["builtins.int", "os.system", "subprocess.Popen", "", "a", "..."])
def test_only_data_classes_come_out_of_data(name):
    with pytest.raises(UnknownClass):
        class_finder()(name)


def test_a_class_that_has_other_fields_now_is_refused():
    _, written = stored(Point(1))
    reader = MATERIALIZERS.named("json", "the artifact")
    with pytest.raises(UnknownClass, match="with the fields z, y, tags"):
        reader.read(io.BytesIO(written.replace(b'"x"', b'"z"')), "", class_finder())


def test_a_materializer_that_is_not_here_is_named():
    with pytest.raises(ArtifactDamaged, match="needs the materializer 'acme'"):
        MATERIALIZERS.named("acme", "file:///a")


# -- what is not used is not loaded


def test_plain_values_load_no_library():
    program = (
        "import io, sys\n"
        "from stackfold.application.artifacts.materializers import Materializers\n"
        "from stackfold.infrastructure.materializers import ALL\n"
        "for value in (1, 'a', b'b', [None], {'a': (1,)}):\n"
        "    Materializers(ALL).prepare(value)[1](io.BytesIO())\n"
        "print(*sys.modules)"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert not {"numpy", "pandas", "pyarrow", "cloudpickle", "PIL", "polars"} & set(loaded)
