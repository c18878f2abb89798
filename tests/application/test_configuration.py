"""A component's configuration is checked against its flavor, and nothing else is recorded."""

from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import pytest
from error_text import error_text
from pydantic import BaseModel, Field

from stackfold.application import ports
from stackfold.application.ports import Alerter, Secret
from stackfold.application.stacks.configuration import explicit, resolved
from stackfold.domain.errors import InvalidConfiguration

PLANTED = "hunter2-do-not-tell"


class Level(Enum):
    LOW = "low"
    HIGH = "high"


class Window(BaseModel):
    start: int
    end: int = 24


class Pager(Alerter):
    """Wakes people up."""

    flavor = "pager"

    class Configuration(ports.Configuration):
        to: str
        retries: int = Field(3, ge=0)
        rate: float = 1.0
        loud: bool = False
        level: Level = Level.LOW
        mode: Literal["once", "always"] = "once"
        folder: Path | None = None
        pause: timedelta | None = None
        tags: list[str] = Field(default_factory=list)
        limits: dict[str, int] = Field(default_factory=dict)
        mixed: list[int] | dict[str, int] | None = None
        windows: list[Window] = Field(default_factory=list)
        extra: Any = None
        token: Secret | None = None
        tokens: dict[str, Secret] = Field(default_factory=dict)


def checked(**configuration):
    return explicit(Pager, {"to": "ops", **configuration})


def problems(**configuration):
    with pytest.raises(InvalidConfiguration) as refusal:
        explicit(Pager, configuration)
    text = str(refusal.value)
    assert "\n" not in text
    assert text.startswith("pager alerter: ")
    return refusal.value.problems


# -- what is recorded


def test_only_what_was_given_is_recorded():
    assert checked() == {"to": "ops"}
    assert checked(retries=3) == {"to": "ops", "retries": 3}


def test_everything_is_resolved():
    everything = resolved(Pager, {"to": "ops"})
    assert everything.keys() == Pager.Configuration.model_fields.keys()
    assert (everything["retries"], everything["level"], everything["tags"]) == (3, "low", [])


@pytest.mark.parametrize(
    ("given", "recorded"),
    [
        ({"retries": "5"}, 5),
        ({"rate": "0.25"}, 0.25),
        ({"rate": 2}, 2.0),
        ({"loud": "yes"}, True),
        ({"loud": "0"}, False),
        ({"level": "high"}, "high"),
        ({"mode": "always"}, "always"),
        ({"folder": "/data/x"}, "/data/x"),
        ({"pause": "PT5S"}, "PT5S"),
        ({"tags": '["a", "b"]'}, ["a", "b"]),
        ({"tags": ["a"]}, ["a"]),
        ({"limits": '{"a": 1}'}, {"a": 1}),
        ({"limits": {"a": "1"}}, {"a": 1}),
        ({"mixed": "[1, 2]"}, [1, 2]),
        ({"mixed": '{"a": 1}'}, {"a": 1}),
        ({"windows": '[{"start": "8"}]'}, [{"start": 8}]),
        ({"retries": "null"}, None),
        ({"folder": "null"}, "null"),
        ({"to": "[1, 2]"}, "[1, 2]"),
        ({"to": "null"}, "null"),
        ({"extra": "[1, 2]"}, "[1, 2]"),
        ({"extra": {"deep": [1, None]}}, {"deep": [1, None]}),
        ({"token": "{{pager.token}}"}, "{{pager.token}}"),
        ({"token": "{{ pager.token }}"}, "{{ pager.token }}"),
        ({"token": None}, None),
        ({"tokens": '{"eu": "{{pager.eu}}"}'}, {"eu": "{{pager.eu}}"}),
    ],
)
def test_texts_become_the_types_that_the_flavor_declares(given, recorded):
    (name,) = given
    if given == {"retries": "null"}:
        assert "retries" in problems(to="ops", **given)
        return
    value = checked(**given)[name]
    assert (type(value), value) == (type(recorded), recorded)


def test_what_was_recorded_is_accepted_again():
    everything = checked(
        retries="5", level="high", pause="PT5S", windows='[{"start": 8}]', tokens="{}", folder="x"
    )
    assert explicit(Pager, everything) == everything


# -- what is refused


def test_every_problem_is_named():
    assert problems(
        retries="many", loud="perhaps", level="middle", colour="red", windows='[{"end": 1}]'
    ) == {
        "to": "required, but not given",
        "retries": "Input should be a valid integer, unable to parse string as an integer",
        "loud": "Input should be a valid boolean, unable to interpret input",
        "level": "Input should be 'low' or 'high'",
        "colour": f"no such attribute, it has {', '.join(Pager.Configuration.model_fields)}",
        "windows.0.start": "required, but not given",
    }


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"retries": -1}, "greater than or equal to 0"),
        ({"tags": "a, b"}, "valid list"),
        ({"tags": "["}, "valid list"),
        ({"tags": '{"a": 1}'}, "valid list"),
        ({"tags": "[" * 100_000}, "valid list"),
        ({"tags": "9" * 5000}, "valid list"),
        ({"rate": "nan"}, "must be a finite number"),
        ({"rate": float("-inf")}, "must be a finite number"),
        ({"extra": {"deep": [float("nan")]}}, "must be a finite number"),
        ({"retries": 2**64}, "at most 64 bits"),
        ({"extra": [-(2**63) - 1]}, "at most 64 bits"),
        ({"to": "\udcff"}, "valid"),
        ({"extra": {"\udcff": 1}}, "valid Unicode"),
    ],
)
def test_what_does_not_fit_is_refused(given, problem):
    (name,) = given
    found = problems(**{"to": "ops", **given})
    assert [*found] == [name]
    assert problem in found[name]


def test_a_flavor_without_attributes_says_so():
    class Bare(Alerter):
        flavor = "bare"
        Configuration = ports.Configuration

    with pytest.raises(InvalidConfiguration, match="colour: no such attribute, it has none"):
        explicit(Bare, {"colour": "red"})


# -- secrets


@pytest.mark.parametrize(
    "text",
    [
        "PLANTED",
        "{{PLANTED}}",
        "{{a.b}} PLANTED",
        "{{a}}PLANTED{{.b}}",
        "{{a.PLANTED\n}}",
        "{{a.b.PLANTED}}",
        "{{a. PLANTED}}",
        "{a.PLANTED}",
        "{{.PLANTED}}",
        "",
        " {{a.PLANTED}}",
        "{{a.PLANTED}}\n",
    ],
)
def test_a_plain_secret_is_refused_and_how_to_do_it_right_is_told(text):
    found = problems(to="ops", token=text.replace("PLANTED", PLANTED))
    assert found == {
        "token": "is a secret and the log is forever: store it as a secret and give {{name.key}}"
    }


@pytest.mark.parametrize("address", ["https://me:PLANTED@host/x", "s3://:PLANTED@bucket"])
def test_an_address_with_a_password_is_refused_wherever_it_stands(address):
    address = address.replace("PLANTED", PLANTED)
    for configuration in ({"to": address}, {"to": "ops", "tags": ["a", address]}):
        (problem,) = problems(**configuration).values()
        assert problem.startswith("contains a password, and the log is permanent: remove it")


@pytest.mark.parametrize(
    "address",
    ["https://me@host", "http://host:80/a@b", "https://me:{{web.password}}@host", "a:b@c"],
)
def test_an_address_without_a_password_is_fine(address):
    assert checked(to=address)["to"] == address


@pytest.mark.parametrize(
    "configuration",
    [
        {"token": PLANTED},
        {"token": [PLANTED]},
        {"token": 7, "tokens": {"eu": PLANTED}},
        {"tokens": f'{{"eu": "{PLANTED}"}}'},
        {"tokens": PLANTED},
        {"tokens": [PLANTED]},
        {"tocken": PLANTED},
        {"retries": PLANTED},
        {"tags": PLANTED},
        {"mode": PLANTED},
        {"level": PLANTED},
        {"windows": [PLANTED]},
        {"pause": PLANTED},
    ],
)
def test_no_refusal_repeats_what_was_given(configuration):
    with pytest.raises(InvalidConfiguration) as refusal:
        explicit(Pager, {"to": "ops", **configuration})
    assert PLANTED not in error_text(refusal.value)


def test_the_schema_says_which_attributes_are_secrets():
    schema = Pager.Configuration.model_json_schema()["properties"]["token"]
    assert {"type": "string", "format": "secret-reference"} in schema["anyOf"]
