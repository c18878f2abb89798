"""Step: a function that can be a part of a pipeline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property, update_wrapper
from typing import Any, Generic, ParamSpec, Self, TypeVar, Unpack, overload

from stackfold.domain.errors import InvalidPipeline
from stackfold.domain.name import valid_name
from stackfold.domain.pipelines.graph import Output
from stackfold.domain.pipelines.graph_builder import current
from stackfold.domain.pipelines.options import StepChanges, StepOptions
from stackfold.domain.pipelines.signature import Signature

Given = ParamSpec("Given")
Returned = TypeVar("Returned")


class Step(Generic[Given, Returned]):
    """A function that can be a step of a pipeline.

    Called inside a pipeline function it becomes a part of the graph, and its outputs stand for
    the values to come; called anywhere else, inside another step too, it is the plain function.
    """

    def __init__(
        self,
        function: Callable[Given, Returned],
        name: str | None = None,
        **options: Unpack[StepChanges],
    ) -> None:
        """Make a function a step.

        Args:
            function: What it does. Its type hints say what it takes and how its outputs are called.
            name: Its name in runs; the function's if None.
            **options: How it is executed; see `StepOptions`.

        Raises:
            InvalidName: The name breaks the rule for names.
            InvalidPipeline: There is no such option, or it cannot have that value.
        """
        self.function = function
        self.name = name_of("step", name, function)
        if isinstance(function, Step):
            raise InvalidPipeline(
                f"{function.name!r} is a step already: change its options by with_options"
            )
        self.options = StepOptions.of(f"step {self.name!r}", options)
        self.waits_for: tuple[Output, ...] = ()
        update_wrapper(self, function, updated=())

    @cached_property
    def signature(self) -> Signature:
        """Its inputs and outputs; made on first use, type hints can be costly.

        Raises:
            InvalidPipeline: The function cannot be a step.
        """
        return Signature(f"step {self.name!r}", self.function)

    def with_options(self, *, name: str | None = None, **options: Unpack[StepChanges]) -> Self:
        """The same step under another name or with other options; this one stays as it is.

        Args:
            name: Its name in runs; the same if None.
            **options: Those that change; see `StepOptions`.

        Raises:
            InvalidName: The name breaks the rule for names.
            InvalidPipeline: There is no such option, or it cannot have that value.
        """
        if current() is not None:
            self.signature  # noqa: B018  # made once, not for every copy
        changed = self._copy()
        if name is not None:
            changed.name = valid_name("step", name)
            if "signature" in vars(changed):
                vars(changed)["signature"] = self.signature.of(f"step {changed.name!r}")
        changed.options = self.options.but(f"step {changed.name!r}", options)
        return changed

    def after(self, *steps: object) -> Self:
        """The same step, to be called next: `train.after(check)(data)`.

        Args:
            *steps: What calls of steps or pipelines returned; the step waits for them, though it
                takes none of their outputs.

        Raises:
            InvalidPipeline: Something else was given.
        """
        if current() is None:
            return self
        self.signature  # noqa: B018  # made once, not for every copy
        later = self._copy()
        later.waits_for = (*self.waits_for, *self._ends(steps))
        return later

    def __call__(self, *args: Given.args, **kwargs: Given.kwargs) -> Returned:
        """Add a node to the pipeline that is being built, or just call the function."""
        building = current()
        if building is None:
            return self.function(*args, **kwargs)
        # To a type checker an output is the value that it stands for.
        return building.add(self, args, kwargs)  # type: ignore[no-any-return]

    def __reduce__(self) -> tuple[Any, ...]:
        # For the way to another process: what pydantic built for the signature cannot travel.
        return _revived, (self.function, self.name, self.options)

    def _copy(self) -> Self:
        copy = object.__new__(type(self))
        vars(copy).update(vars(self))
        return copy

    def _ends(self, steps: object) -> Iterator[Output]:
        if isinstance(steps, Output):
            yield steps
        elif isinstance(steps, tuple | list):
            for each in steps:
                yield from self._ends(each)
        else:
            raise InvalidPipeline(
                f"step {self.name!r} can only be after what a step or a pipeline returned, "
                f"not {steps!r:.60}"
            )


def _revived(function: Callable[..., Any], name: str, options: StepOptions) -> Step[..., Any]:
    step = Step(function, name)
    step.options = options
    return step


def name_of(kind: str, name: str | None, function: Callable[..., Any]) -> str:
    """The name that was given, or the function's.

    Raises:
        InvalidName: It breaks the rule for names.
    """
    # A leading underscore says "private" in Python and is not legal in a name.
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
    """Make a function a step; to be used as a decorator, with or without options.

    Args:
        function: What the step does.
        name: Its name in runs; the function's if None.
        **options: How it is executed; see `StepOptions`.
    """
    if function is None:
        return lambda function: Step(function, name, **options)
    return Step(function, name, **options)
