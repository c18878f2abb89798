"""A step gets what is read back from the record of its parameters, and so does a repetition."""

import enum
import ipaddress
import json
import math
import re
import subprocess
import sys
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import (
    AfterValidator,
    AnyUrl,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PrivateAttr,
    RootModel,
    SecretBytes,
    SecretStr,
    Strict,
    computed_field,
)

from stackfold.domain.cache_key import CacheKey
from stackfold.domain.errors import InvalidPipeline
from stackfold.domain.exact_json.display import readable, text_of
from stackfold.domain.pipeline import Pipeline, step

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


def there_and_back(value: Any, hint: Any = Any) -> tuple[Any, Any]:
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


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(VALUES)
def test_an_unhinted_value_is_read_back_exactly(value):
    got, again = there_and_back(value)
    assert same(got, value)
    assert same(again, value)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(VALUES, VALUES)
def test_values_have_equal_keys_if_and_only_if_they_are_the_same(one, other):
    assert (digest(one) == digest(other)) == same(one, other)
    assert digest(one) == digest(there_and_back(one)[1])


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(VALUES, VALUES)
def test_two_values_are_shown_differently(one, other):
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
        (defaultdict(list, {"b": [1]}), defaultdict[str, list[int]]), (AnyUrl("http://x/"), AnyUrl),
        (ipaddress.ip_network("10.0.0.0/8"), ipaddress.IPv4Network), (Celsius(3), Temperature),
        (["b", "a"], list[Annotated[str, Strict()]]),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)  # fmt: skip
def test_a_value_is_read_back_as_what_the_step_got(value, hint):
    got, again = there_and_back(value, hint)
    assert same(got, again)
    assert same(got, value)
    assert got is not value or not isinstance(value, list | dict | set | Base | BaseModel)
    json.dumps(readable(got), allow_nan=False).encode()
    assert text_of(got)


def test_a_computed_property_is_computed_again():
    model, counting = Model(Name="abc"), Counting([4])
    assert (model.length, counting.half) == (3, 2)
    assert there_and_back(model)[1].length == 3
    assert there_and_back(counting)[1].half == 2


def test_a_time_that_was_given_as_text_has_a_time_zone_of_python():
    got, again = there_and_back("2024-01-01T00:00:00+02:00", datetime)
    assert type(got.tzinfo) is timezone
    assert repr(got) == repr(again)
    assert got == datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=2)))


def test_what_a_validator_has_made_is_not_validated_again():
    doubled = Annotated[int, AfterValidator(lambda value: value * 2)]
    parsed = Annotated[list[int], BeforeValidator(lambda text: [int(x) for x in text.split(",")])]
    assert there_and_back(2, doubled) == (4, 4)
    assert there_and_back("1,2", parsed) == ([1, 2], [1, 2])


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
def test_a_scalar_of_numpy_becomes_one_of_python(value, hint, plain):
    got, again = there_and_back(value, hint)
    assert same(got, plain)
    assert same(again, plain)
    assert digest(value, hint) == digest(plain, hint)


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (np.zeros(2), "a ndarray"),
        (np.datetime64("2024-01-01"), "a datetime64"),
        (object(), "an object"),
        (len, "a builtin_function_or_method"),
        ([{1: (object(),)}], "an object"),
        (int, "a type"),
        (defaultdict(lambda: 1), "a defaultdict with a factory of one's own"),
        (type("Text", (str,), {})("x"), "a Text"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_has_no_exact_form_is_refused(value, what):
    assert refused(value) == (
        f"parameter 'it' of step 'take' cannot be recorded: it is or holds {what}; let a step "
        "return it, and hand over that step's output"
    )


def test_what_holds_itself_is_refused():
    itself: list[Any] = []
    itself.append(itself)
    assert "nested too deeply" in refused(itself)


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("hunter22", SecretStr), (SecretStr("hunter22"), Any), (SecretBytes(b"hunter22"), Any),
        ([SecretStr("hunter22")], Any), (Account(user="u", password="hunter22"), Account),
        ({"user": "u", "password": "hunter22"}, Account),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_a_secret_is_refused(value, hint):
    line = refused(value, hint)
    assert line == (
        "parameter 'it' of step 'take' is or holds a secret, and parameters are recorded: let the "
        "step read it from an environment variable"
    )


def test_a_secret_as_a_default_is_refused():
    @step
    def login(token: SecretStr = SecretStr("hunter22")):  # noqa: B008
        pass

    with pytest.raises(InvalidPipeline, match="'token' of step 'login' is or holds a secret"):
        login.signature  # noqa: B018


def test_where_no_secret_is_given_there_is_none_to_refuse():
    assert there_and_back(Account(user="u"), Account)[1] == Account(user="u")


def test_a_class_that_cannot_be_found_again_is_refused_unless_the_hint_leads_to_it():
    @dataclass
    class Local(Base):
        more: int = 0

    assert same(*there_and_back(Local(more=1), Base))
    assert same(*there_and_back(Local(more=1), Local))
    assert "a Local, a class that cannot be found again by its name" in refused(Local())


def test_a_class_that_is_gone_is_refused_when_the_record_is_read():
    _, record = signature(Base).validated("it", Derived())
    name, fields = record["$dataclass"]
    for gone in ("module.Gone", "os.system", "subprocess.Popen"):
        with pytest.raises(InvalidPipeline) as refusal:
            signature(Base).read("it", {"$dataclass": [gone, fields]})
        assert f"the recorded parameter 'it' of step 'take' was a {gone}, which" in str(
            refusal.value
        )
    assert signature(Base).read("it", {"$dataclass": [name, {"name": "x"}]}) == Derived("x", 1)
    with pytest.raises(InvalidPipeline, match="Derived with the fields name, depth, width"):
        signature(Base).read("it", {"$dataclass": [name, {**fields, "width": 1}]})


def test_a_kind_of_a_newer_version_is_refused():
    with pytest.raises(InvalidPipeline, match="a newer version of Stackfold wrote a matrix"):
        signature().read("it", {"$matrix": [1]})


def test_the_order_of_a_set_depends_on_nothing_but_its_elements():
    program = (
        f"import sys; sys.path[:] = {sys.path!r}\n"
        "from stackfold.domain.pipeline import step\n"
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


def test_a_mutable_default_is_handed_over_afresh():
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


def test_what_the_pipeline_changes_later_is_not_what_a_step_was_given():
    take = step(name="take")(lambda it: None)

    def connecting():
        columns: list[str] = []
        for name in "ab":
            columns.append(name)
            take(columns)

    nodes = Pipeline(connecting).graph().nodes
    assert [node.arguments["it"] for node in nodes] == [["a"], ["a", "b"]]
    assert [node.parameters["it"] for node in nodes] == [["a"], ["a", "b"]]
