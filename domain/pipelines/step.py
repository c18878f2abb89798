"""Step: a function that a pipeline executes, with its options."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property, update_wrapper
from typing import Any, Generic, ParamSpec, Self, TypeVar, Unpack, overload

from stackfold.domain.errors import InvalidPipeline
from stackfold.domain.name import valid_name
from stackfold.domain.pipelines.graph import StepOutput
from stackfold.domain.pipelines.graph_builder import current
from stackfold.domain.pipelines.options import StepChanges, StepOptions
from stackfold.domain.pipelines.signature import Signature

Given = ParamSpec("Given")
Returned = TypeVar("Returned")


class Step(Generic[Given, Returned]):
    """A function that a pipeline executes.

    Called inside a pipeline function, it adds a node to the graph and returns outputs, which stand
    for the values that it will return. Called anywhere else, even inside another step, it calls the
    function.
    """

    def __init__(
        self,
        function: Callable[Given, Returned],
        name: str | None = None,
        **options: Unpack[StepChanges],
    ) -> None:
        """Create a step from a function.

        Args:
            function: The code of the step. Its type hints declare its inputs and outputs.
            name: The name of the step in runs; None for the name of the function.
            **options: How the step is executed; see `StepOptions`.

        Raises:
            InvalidName: The name breaks the rule for names.
            InvalidPipeline: An option is unknown, or has an invalid value.
        """
        self.function = function
        self.name = name_of("step", name, function)
        if isinstance(function, Step):
            raise InvalidPipeline(
                f"{function.name!r} is already a step: change its options with with_options"
            )
        self.options = StepOptions.of(f"step {self.name!r}", options)
        self.waits_for: tuple[StepOutput, ...] = ()
        update_wrapper(self, function, updated=())

    @cached_property
    def signature(self) -> Signature:
        """Its inputs and outputs; computed on first use, as resolving type hints takes time.

        Raises:
            InvalidPipeline: The function cannot be a step.
        """
        return Signature(f"step {self.name!r}", self.function)

    def with_options(self, *, name: str | None = None, **options: Unpack[StepChanges]) -> Self:
        """Return a copy of the step with another name or other options.

        Args:
            name: The name of the copy in runs; None for the same name.
            **options: The options that change; see `StepOptions`.

        Raises:
            InvalidName: The name breaks the rule for names.
            InvalidPipeline: An option is unknown, or has an invalid value.
        """
        if current() is not None:
            self.signature  # noqa: B018  # computed once, not for every copy
        changed = self._copy()
        if name is not None:
            changed.name = valid_name("step", name)
            if "signature" in vars(changed):
                vars(changed)["signature"] = self.signature.of(f"step {changed.name!r}")
        changed.options = self.options.but(f"step {changed.name!r}", options)
        return changed

    def after(self, *steps: object) -> Self:
        """Return a copy that waits for other steps: `train.after(check)(data)`.

        Args:
            *steps: The return values of calls of steps or pipelines.

        Raises:
            InvalidPipeline: A value was returned by neither a step nor a pipeline.
        """
        if current() is None:
            return self
        self.signature  # noqa: B018  # computed once, not for every copy
        later = self._copy()
        later.waits_for = (*self.waits_for, *self._ends(steps))
        return later

    def __call__(self, *args: Given.args, **kwargs: Given.kwargs) -> Returned:
        """Add a node to the graph that is being built, or call the function if there is none."""
        building = current()
        if building is None:
            return self.function(*args, **kwargs)
        # For a type checker, an output is the value that it stands for.
        return building.add(self, args, kwargs)  # type: ignore[no-any-return]

    def __reduce__(self) -> tuple[Any, ...]:
        # The signature has validators that pydantic has built, which cannot be pickled.
        return _unpickled, (self.function, self.name, self.options)

    def _copy(self) -> Self:
        copy = object.__new__(type(self))
        vars(copy).update(vars(self))
        return copy

    def _ends(self, steps: object) -> Iterator[StepOutput]:
        if isinstance(steps, StepOutput):
            yield steps
        elif isinstance(steps, tuple | list):
            for each in steps:
                yield from self._ends(each)
        else:
            raise InvalidPipeline(
                f"step {self.name!r} can only wait for what a step or a pipeline returned, "
                f"not for {steps!r:.60}"
            )


def _unpickled(function: Callable[..., Any], name: str, options: StepOptions) -> Step[..., Any]:
    step = Step(function, name)
    step.options = options
    return step


def name_of(kind: str, name: str | None, function: Callable[..., Any]) -> str:
    """Return the given name, or that of the function without underscores at its ends.

    Raises:
        InvalidName: The name breaks the rule for names.
    """
    # A name may not begin with an underscore, which marks private functions in Python.
    return valid_name(kind, name or getattr(function, "__name__", repr(function)).strip("_"))


@overload
def step(function: Callable[Given, Returned], /) -> Step[Given, Returned]: ...


@overload
def step(
    *, name: str | None = None, **options: Unpack[StepChanges]
) -> Callable[[Callable[Given, Returned]], Step[Given, Returned]]: ...


def step(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    **options: Unpack[StepChanges],
) -> Any:
    """Turn a function into a step; a decorator, with or without options.

    Args:
        function: The code of the step.
        name: The name of the step in runs; None for the name of the function.
        **options: How the step is executed; see `StepOptions`.
    """
    if function is None:
        return lambda function: Step(function, name, **options)
    return Step(function, name, **options)
