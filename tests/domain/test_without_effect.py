"""Code that would have no effect is rejected where it is written."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

import pytest
from pydantic import BaseModel

from stackfold.application.artifacts.own_materializers import materializer
from stackfold.domain.errors import InvalidMaterializer, InvalidPipeline
from stackfold.domain.pipelines.pipeline import Pipeline, step


@step
def make() -> int:
    return 1


@step
def use(x: Any) -> None: ...


@dataclass(slots=True)
class Holder:
    value: Any


class Model(BaseModel):
    value: Any


@pytest.mark.parametrize(
    "write",
    [
        str,
        "{}".format,
        lambda output: f"{output}",
        lambda output: f"{output:>3}",
        lambda output: "%s" % output,  # noqa: UP031
        lambda output: "a" + str(output),
        print,
        range,
        lambda output: output % 2,
    ],
)
def test_an_output_has_no_text_while_the_pipeline_is_built(write):
    def connect():
        use(write(make()))

    with pytest.raises(InvalidPipeline, match="the output 'output' of step 'make' has no value"):
        Pipeline(connect).graph()


def test_an_output_has_a_repr():
    seen = []

    def connect():
        seen.append(repr(make()))

    Pipeline(connect).graph()
    assert seen == ["StepOutput(step='make', name='output')"]


@pytest.mark.parametrize(
    "hold",
    [
        lambda output: [[output]],
        lambda output: {"a": {"b": output}},
        lambda output: ({1: [output]},),
        lambda output: {output: 1},
        lambda output: [frozenset({output})],
        Holder,
        lambda output: Model(value=[output]),
    ],
)
def test_an_output_deep_inside_a_value_is_rejected(hold):
    def connect():
        use(hold(make()))

    line = r"parameter 'x' of step 'use' contains output 'output' of step 'make' inside other"
    with pytest.raises(InvalidPipeline, match=line):
        Pipeline(connect).graph()


def test_an_inner_pipeline_may_take_outputs_inside_any_value():
    def inner(groups: Any):
        for group in groups:
            use(group)

    inner = Pipeline(inner)

    def outer():
        inner([[make(), make()], [make()]])

    nodes = Pipeline(outer).graph().nodes
    assert [node.gathered for node in nodes[3:]] == [{"x": ["x[0]", "x[1]"]}, {"x": ["x[0]"]}]


# -- names of outputs


def twice() -> Annotated[int, "a", "b"]: ...
def in_a_union() -> Annotated[int, "a"] | None: ...
def of_each() -> tuple[Annotated[int, "a"], ...]: ...


@pytest.mark.parametrize(
    ("function", "line"),
    [
        (twice, "step 'twice' gives an output two names, 'a', 'b'"),
        (in_a_union, "step 'in_a_union' names a part of an output, 'a': name the whole"),
        (of_each, "step 'of_each' names a part of an output, 'a': name the whole"),
    ],
)
def test_a_name_of_an_output_without_effect_is_rejected(function, line):
    with pytest.raises(InvalidPipeline, match=line):
        step(function).signature  # noqa: B018


# -- functions


def generate() -> Iterator[int]:
    yield 1


async def generate_later():
    yield 1


@pytest.mark.parametrize(
    ("function", "line"),
    [
        (generate, "step 'generate' is a generator"),
        (generate_later, "step 'generate_later' is async"),
    ],
)
def test_a_function_whose_body_would_not_be_executed_is_rejected(function, line):
    with pytest.raises(InvalidPipeline, match=line):
        step(function).signature  # noqa: B018


@pytest.mark.parametrize("again", [step, step(retries=1)])
def test_a_step_cannot_be_created_from_a_step(again):
    with pytest.raises(InvalidPipeline, match="'make' is already a step: change its options with"):
        again(make)


# -- hooks


def two(call, other): ...
def named(*, call): ...
async def later(call): ...
def produce(call):
    yield


class Later:
    async def __call__(self, call): ...


@pytest.mark.parametrize("make_it", [step, lambda **options: lambda f: Pipeline(f, **options)])
@pytest.mark.parametrize(
    ("hook", "problem"),
    [
        (two, "it should take no argument or one"),
        (named, "it should take no argument or one"),
        (functools.partial(lambda a, b, c: 0, 1), "it should take no argument or one"),
        (later, "it should be a plain function, neither async nor a generator"),
        (produce, "it should be a plain function, neither async nor a generator"),
        (Later(), "it should be a plain function, neither async nor a generator"),
    ],
)
def test_a_hook_that_could_not_be_called_is_rejected(make_it, hook, problem):
    with pytest.raises(InvalidPipeline, match=f"option 'on_end' of .*: {problem}"):
        make_it(name="x", on_end=hook)(lambda: 1)


@pytest.mark.parametrize(
    "hook",
    [print, list, lambda: 0, lambda call: 0, lambda *calls: 0, lambda call=1, other=2: 0,
     lambda *, other=2: 0, functools.partial(two, 1), make],
)  # fmt: skip
def test_a_hook_takes_no_argument_or_one(hook):
    assert step(name="x", on_end=hook)(lambda: 1).options.on_end is hook


# -- materializers


class Row(TypedDict):
    name: str


class Format:
    def write(self, value, file): ...
    def read(self, file): ...


class NeedsArguments(Format):
    def __init__(self, path): ...


@pytest.mark.parametrize(
    ("format", "options", "line"),
    [
        (Format, {"for_type": "text"}, "for_type is .*text.*, which is the class of no value"),
        (Format, {"for_type": list[int]}, "for_type is 'list.int.', which is the class of no"),
        (Format, {"for_type": (Holder, int | None)}, "which is the class of no value"),
        (Format, {"for_type": Row}, "which is the class of no value"),
        (Format, {"for_type": ()}, "for_type is empty"),
        (Format, {"for_type": Holder, "version": "2"}, "version is '2': give an integer"),
        (NeedsArguments, {"for_type": Holder}, "making one needs arguments"),
    ],
)
def test_a_materializer_that_would_never_write_a_value_is_rejected(format, options, line):
    with pytest.raises(InvalidMaterializer, match=line):
        materializer(**options)(format)
