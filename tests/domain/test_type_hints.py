"""Names in hints that only a type checker can resolve become Any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import pytest

from stackfold.domain.pipelines.signature import Signature
from stackfold.domain.pipelines.type_hints import resolved_hints

if TYPE_CHECKING:
    import frames as fr
    from frames import Frame


def alone(a: Frame) -> Frame: ...
def in_a_module(a: fr.core.Frame[int]) -> fr.Frame: ...
def optional(a: Frame | None) -> Frame | None: ...
def inside(a: list[Frame], b: int) -> dict[str, fr.Frame]: ...
def several(a: int) -> tuple[Annotated[Frame, "left"], Annotated[int, "right"]]: ...
def unsubscriptable(a: int[str]) -> object[int]: ...


@pytest.mark.parametrize(
    ("function", "hints"),
    [
        (alone, {"a": Any, "return": Any}),
        (in_a_module, {"a": Any, "return": Any}),
        (optional, {"a": Any, "return": Any}),
        (inside, {"a": list, "b": int, "return": dict}),
        (several, {"a": int, "return": tuple[Annotated[Any, "left"], Annotated[int, "right"]]}),
        (unsubscriptable, {"a": Any, "return": Any}),
    ],
)
def test_an_unknown_name_is_any_and_the_rest_is_resolved(function, hints):
    assert resolved_hints(function).hints == hints


def test_hints_written_as_text_are_resolved_too():
    def make(a: list["Frame"]) -> "Frame | None": ...  # noqa: UP037

    signature = Signature("step 'make'", make)
    assert signature.hints == {"a": list}
    assert signature.unknown_hints == ("a", "return")


def test_several_outputs_keep_their_names():
    signature = Signature("step 'several'", several)
    assert [(each.name, each.type) for each in signature.outputs] == [("left", Any), ("right", int)]
    assert signature.unknown_hints == ("return",)
