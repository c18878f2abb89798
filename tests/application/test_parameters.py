from typing import Any

import pytest

from stackfold.application.pipelines.parameters import from_texts
from stackfold.domain.errors import InvalidPipeline
from stackfold.domain.pipelines.pipeline import Pipeline, step


@step
def use(value: Any) -> None:
    pass


@Pipeline
def taking(
    number: int = 0,
    text: str = "",
    flag: bool = False,
    maybe: int | None = 1,
    several: list[int] | None = None,
    either: str | int = "",
    anything=None,
):
    use(several)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("number", "3", 3),
        ("text", "3", "3"),
        ("text", "null", "null"),
        ("flag", "yes", True),
        ("maybe", "null", None),
        ("several", "[1, 2]", [1, 2]),
        ("either", "3", "3"),
        ("anything", "3", 3),
        ("anything", '{"a": 1}', {"a": 1}),
        ("anything", "three", "three"),
    ],
)
def test_a_text_stands_for_what_the_hint_wants(name, text, value):
    given = from_texts(taking, {name: text})
    assert taking.graph(**given).parameters[name] == value


@pytest.mark.parametrize(
    ("name", "text"), [("number", "x"), ("several", "[x"), ("several", "[]x"), ("colour", "red")]
)
def test_what_does_not_fit_is_refused_as_it_was_written(name, text):
    with pytest.raises(InvalidPipeline) as refusal:
        taking.graph(**from_texts(taking, {name: text}))
    assert name in str(refusal.value)
