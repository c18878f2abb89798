"""Values of many kinds, and what becomes of them when they are parameters."""

import enum
import ipaddress
import json
from collections import deque, namedtuple
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Generic, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import pytest
from hypothesis import strategies as st
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PrivateAttr,
    RootModel,
    SecretStr,
    computed_field,
)

from stackfold.domain.errors import InvalidPipeline
from stackfold.domain.pipelines.pipeline import step
from stackfold.domain.runs.cache_key import CacheKey

Held = TypeVar("Held")


class Colour(enum.Enum):
    RED = "r"


class Right(enum.Flag):
    READ = 1
    WRITE = 2


class Pair(NamedTuple):
    left: int
    right: Any = ()


Plain = namedtuple("Plain", "a b")  # both ways are used


@dataclass
class Base:
    name: str = "n"


@dataclass
class Derived(Base):
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Frozen:
    items: tuple[Any, ...] = ()


@dataclass
class Counting:
    rows: list[int] = field(default_factory=list)

    def __post_init__(self):
        self.total = sum(self.rows)  # no field

    @cached_property
    def half(self):
        return self.total / 2


class Model(BaseModel):
    model_config = ConfigDict(populate_by_name=True)
    name: str = Field("m", alias="Name")
    hidden: int = Field(1, exclude=True)

    @computed_field
    @cached_property
    def length(self) -> int:
        return len(self.name)


class Deep(Model):
    depth: int = 1


class Whole(BaseModel):
    model: Model
    several: list[Base | Model] = []


class StrictModel(BaseModel):
    model_config = ConfigDict(strict=True)
    pair: tuple[int, int] = (1, 2)
    when: date = date(2024, 1, 1)
    tags: set[str] = set()


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    _note: str = PrivateAttr("")


class Box(BaseModel, Generic[Held]):
    held: Held


class Numbers(RootModel[list[int]]):
    pass


class Account(BaseModel):
    user: str
    password: SecretStr | None = None


class Celsius:
    """A class that pydantic can write and read, as it says how."""

    def __init__(self, degrees):
        self.degrees = degrees

    def __eq__(self, other):
        return type(other) is Celsius and other.degrees == self.degrees

    __hash__ = None

    def __repr__(self):
        return f"Celsius({self.degrees})"


Temperature = Annotated[
    Celsius,
    PlainSerializer(lambda value: value.degrees),
    BeforeValidator(lambda value: value if isinstance(value, Celsius) else Celsius(value)),
]


def same(one: Any, other: Any) -> bool:
    """Equal, of the same types all the way down, and in the same order."""
    if type(one) is not type(other):
        return False
    match one:
        case float() | Decimal() | complex():
            return repr(one) == repr(other)
        case datetime() | time():
            return repr(one) == repr(other)
        case list() | tuple() | deque():
            return len(one) == len(other) and all(map(same, one, other))
        case dict():
            return same(list(one.items()), list(other.items()))
        case set() | frozenset():
            return len(one) == len(other) and all(any(same(a, b) for b in other) for a in one)
        case Frozen():
            return same(one.items, other.items)
        case BaseModel() | Base() | Counting():
            return one == other and same(
                {k: v for k, v in vars(one).items() if k not in ("half", "length")},
                {k: v for k, v in vars(other).items() if k not in ("half", "length")},
            )
    return bool(one == other)


def signature(hint: Any = Any):
    def take(it):
        pass

    take.__annotations__["it"] = hint
    return step(take).signature


def as_the_log_has_it(record: Any) -> Any:
    return json.loads(json.dumps(record, sort_keys=True, allow_nan=False))


def round_trip(value: Any, hint: Any = Any) -> tuple[Any, Any]:
    """What a step gets, and what it gets when the run is repeated."""
    got, record = signature(hint).validated("it", value)
    return got, signature(hint).read("it", as_the_log_has_it(record))


def digest(value: Any, hint: Any = Any) -> str:
    record = signature(hint).validated("it", value).record
    return CacheKey("", {"it": record}, {}, {}, "", "", {}).digest


def refused(value: Any, hint: Any = Any) -> str:
    with pytest.raises(InvalidPipeline) as refusal:
        signature(hint).validated("it", value)
    line = str(refusal.value)
    assert "\n" not in line
    return line


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.complex_numbers()
    | st.text(st.characters(exclude_categories=()), max_size=5)
    | st.sampled_from(["$tuple", "$", "$dict"])
    | st.binary(max_size=5)
    | st.uuids()
    | st.decimals().filter(lambda number: not number.is_snan())
    | st.fractions()
    | st.dates()
    | st.timedeltas()
    | st.times(timezones=st.none() | st.just(timezone(timedelta(hours=1), "one")))
    | st.datetimes(timezones=st.sampled_from([None, UTC, ZoneInfo("Europe/Berlin")]))
    | st.sampled_from([Colour.RED, Right.READ | Right.WRITE, Path("a/b"), ipaddress.ip_address(1)])
)
HASHABLE = st.recursive(
    SCALARS, lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3), max_leaves=4
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(HASHABLE, inner, max_size=3)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
        | st.sets(HASHABLE, max_size=3)
        | st.builds(Pair, st.integers(), inner)
        | st.builds(Frozen, st.tuples(inner))
    ),
    max_leaves=6,
)
