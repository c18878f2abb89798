"""Values that cannot or must not be recorded are rejected, when written and when read."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import pytest
from exact_values import Account, Base, Derived, refused, round_trip, same, signature
from pydantic import (
    Field,
    SecretBytes,
    SecretStr,
)

from stackfold.domain.errors import InvalidPipeline
from stackfold.domain.pipelines.pipeline import step


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (np.zeros(2), "a ndarray"),
        (np.datetime64("2024-01-01"), "a datetime64"),
        (object(), "an object"),
        (len, "a builtin_function_or_method"),
        ([{1: (object(),)}], "an object"),
        (int, "a type"),
        (defaultdict(lambda: 1), "a defaultdict with a custom factory"),
        (type("Text", (str,), {})("x"), "a Text"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_without_an_exact_form_is_rejected(value, what):
    assert refused(value) == (
        f"parameter 'it' of step 'take' cannot be recorded: it is or contains {what}; let a step "
        "return it, and pass the output of that step"
    )


def test_a_value_that_contains_itself_is_rejected():
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
def test_a_secret_is_rejected(value, hint):
    line = refused(value, hint)
    assert line == (
        "parameter 'it' of step 'take' is or contains a secret, and parameters are recorded: let "
        "the step read it from an environment variable"
    )


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ({"password": "hunter22"}, Account),
        ("hunter22", Annotated[SecretStr, Field(min_length=20)]),
        ({"a": {"password": "hunter22"}}, dict[str, Account]),
    ],
    ids=["a model", "a text", "a dictionary"],
)
def test_an_invalid_secret_is_not_shown_in_the_error(value, hint):
    line = refused(value, hint)
    assert "hunter22" not in line
    assert "parameter 'it' of step 'take'" in line


def test_a_secret_as_a_default_is_rejected():
    @step
    def login(token: SecretStr = SecretStr("hunter22")):  # noqa: B008
        pass

    with pytest.raises(InvalidPipeline, match="'token' of step 'login' is or contains a secret"):
        login.signature  # noqa: B018


def test_an_optional_secret_that_is_not_given_is_allowed():
    assert round_trip(Account(user="u"), Account)[1] == Account(user="u")


def test_a_class_that_cannot_be_found_is_rejected_unless_the_hint_refers_to_it():
    @dataclass
    class Local(Base):
        more: int = 0

    assert same(*round_trip(Local(more=1), Base))
    assert same(*round_trip(Local(more=1), Local))
    assert "a Local, a class that cannot be found again by its name" in refused(Local())


def test_reading_a_record_fails_if_its_class_was_removed():
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


def test_a_type_of_a_newer_version_is_rejected():
    with pytest.raises(InvalidPipeline, match="a newer version of Stackfold wrote a matrix"):
        signature().read("it", {"$matrix": [1]})
