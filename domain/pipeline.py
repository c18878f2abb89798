"""Pipeline: functions made into steps, and the function that connects them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import cached_property, update_wrapper
from typing import Any, Generic, ParamSpec, TypeVar, overload

from stackfold.domain.errors import InvalidPipeline, StackfoldError
from stackfold.domain.graph import Graph, Node, Output
from stackfold.domain.name import valid_name
from stackfold.domain.signature import Signature

Given = ParamSpec("Given")
Returned = TypeVar("Returned")


class Step(Generic[Given, Returned]):
    """A function that can be a step of a pipeline.

    Called inside a pipeline function it becomes a part of the graph, and its outputs stand for
    the values to come; called anywhere else it is the plain function.
    """

    def __init__(
        self,
        function: Callable[Given, Returned],
        name: str | None = None,
        step_operator: str | bool = False,
    ) -> None:
        """Make a function a step.

        Args:
            function: What it does. Its type hints say what it takes and how its outputs are called.
            name: Its name in runs; the function's if None.
            step_operator: The name of the stack's step operator that executes it, True for the
                stack's default one, False to execute it where the orchestrator does.

        Raises:
            InvalidName: The name breaks the rule for names.
        """
        self.function = function
        self.name = _name("step", name, function)
        self.step_operator = step_operator
        update_wrapper(self, function)

    @cached_property
    def signature(self) -> Signature:
        """Its inputs and outputs; made on first use, type hints can be costly.

        Raises:
            InvalidPipeline: The function cannot be a step.
        """
        return Signature(f"step {self.name!r}", self.function)

    def __call__(self, *args: Given.args, **kwargs: Given.kwargs) -> Returned:
        """Add a node to the pipeline that is being built, or just call the function."""
        building = _building.get()
        if building is None:
            return self.function(*args, **kwargs)
        # To a type checker an output is the value that it stands for.
        return building.add(self, args, kwargs)  # type: ignore[no-any-return]

    def __reduce__(self) -> tuple[Any, ...]:
        # For the way to another process: what pydantic built for the signature cannot travel.
        return Step, (self.function, self.name, self.step_operator)


class Pipeline(Generic[Given]):
    """A function that connects steps."""

    def __init__(self, function: Callable[Given, Any], name: str | None = None) -> None:
        """Make a function a pipeline.

        Args:
            function: Calls steps, and hands the outputs of some to others.
            name: Its name in runs; the function's if None.

        Raises:
            InvalidName: The name breaks the rule for names.
        """
        self.function = function
        self.name = _name("pipeline", name, function)
        update_wrapper(self, function)  # type: ignore[arg-type]  # it is called in the facade

    @cached_property
    def signature(self) -> Signature:
        """Its parameters; made on first use.

        Raises:
            InvalidPipeline: The function cannot be a pipeline.
        """
        return Signature(f"pipeline {self.name!r}", self.function)

    @property
    def source(self) -> str:
        """Where the function is, as "file.py:function"."""
        code = getattr(self.function, "__code__", None)
        return f"{code.co_filename if code else '?'}:{getattr(self.function, '__name__', '?')}"

    def must_not_be_nested(self) -> None:
        """Refuse to be called while another pipeline is built.

        Raises:
            InvalidPipeline: One is.
        """
        if _building.get() is not None:
            raise InvalidPipeline(
                f"pipeline {self.name!r} is called inside another pipeline: call its steps instead"
            )

    def graph(self, *args: Given.args, **kwargs: Given.kwargs) -> Graph:
        """Connect the steps, without executing any of them.

        Args:
            *args: The pipeline's parameters,
            **kwargs: and the same by name.

        Raises:
            InvalidPipeline: A parameter is unknown, missing, of the wrong type or not JSON; or
                the function itself raised.
        """
        self.must_not_be_nested()
        given = self.signature.bound(args, kwargs)
        valid = {name: self.signature.validated(name, value) for name, value in given.items()}
        building = _Building()
        token = _building.set(building)
        try:
            self.function(**{name: value for name, (value, _) in valid.items()})  # type: ignore[call-arg]
        except StackfoldError:
            raise
        except Exception as error:
            raise InvalidPipeline(
                f"pipeline {self.name!r} raised {type(error).__name__} in line "
                f"{_line(error, self.function)} while its steps were connected: {error}"
            ) from error
        finally:
            _building.reset(token)
        if not building.nodes:
            raise InvalidPipeline(f"pipeline {self.name!r} calls no step")
        parameters = {
            **self.signature.defaults,
            **{name: json for name, (_, json) in valid.items()},
        }
        return Graph(self.name, self.source, parameters, tuple(building.nodes))


@overload
def step(function: Callable[Given, Returned], /) -> Step[Given, Returned]: ...


@overload
def step(
    *, name: str | None = None, step_operator: str | bool = False
) -> Callable[[Callable[Given, Returned]], Step[Given, Returned]]: ...


def step(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    step_operator: str | bool = False,
) -> Any:
    """Make a function a step; to be used as a decorator, with or without options.

    Args:
        function: What the step does.
        name: Its name in runs; the function's if None.
        step_operator: The name of the stack's step operator that executes it, True for the
            stack's default one, False to execute it where the orchestrator does.
    """
    if function is None:
        return lambda function: Step(function, name, step_operator)
    return Step(function, name, step_operator)


class _Building:
    """A graph while its pipeline function runs."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._uses: dict[str, int] = {}
        self._mark = object()

    def add(self, step: Step[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Add a use of a step; return its output, or a tuple of them if it has several."""
        signature = step.signature
        arguments: dict[str, Any] = {}
        parameters = dict(signature.defaults)
        inputs: dict[str, Output] = {}
        for name, value in signature.bound(args, kwargs).items():
            if type(value) is Output:
                self._must_be_ours(step, name, value)
                inputs[name] = value
                parameters.pop(name, None)
            else:
                _must_hold_no_output(step, name, value)
                arguments[name], parameters[name] = signature.validated(name, value)
        node = self._unique(step.name)
        upstream = tuple(dict.fromkeys(each.step for each in inputs.values()))
        self.nodes.append(Node(node, step, arguments, parameters, inputs, upstream))
        outputs = tuple(Output(node, each.name, self._mark) for each in signature.outputs)
        return outputs if len(outputs) > 1 else outputs[0] if outputs else None

    def _unique(self, name: str) -> str:
        """`train`, then `train_2`, `train_3` and so on."""
        use = self._uses.get(name, 0) + 1
        unique = name if use == 1 else f"{name}_{use}"
        while use > 1 and unique in self._uses:  # a step that is really called `train_2`
            use += 1
            unique = f"{name}_{use}"
        self._uses[name] = use
        if unique != name:
            self._uses[unique] = 1
        return unique

    def _must_be_ours(self, step: Step[..., Any], name: str, output: Output) -> None:
        if output.of is not self._mark:
            raise InvalidPipeline(
                f"parameter {name!r} of step {step.name!r} is an output of step {output.step!r} "
                "from another call of a pipeline: call the step in this one"
            )


def _must_hold_no_output(step: Step[..., Any], name: str, value: object) -> None:
    if isinstance(value, list | tuple | set | dict):
        parts = value.values() if isinstance(value, dict) else value
        if any(type(part) is Output for part in parts):
            raise InvalidPipeline(
                f"parameter {name!r} of step {step.name!r} holds outputs of steps in a "
                f"{type(value).__name__}: hand them over one by one"
            )


def _line(error: Exception, function: Callable[..., Any]) -> int:
    """The last line of the function's file that the error came through."""
    line, traceback = 0, error.__traceback__
    code = getattr(function, "__code__", None)
    while traceback:
        if code and traceback.tb_frame.f_code.co_filename == code.co_filename:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line


def _name(kind: str, name: str | None, function: Callable[..., Any]) -> str:
    # A leading underscore says "private" in Python and is not legal in a name.
    return valid_name(kind, name or getattr(function, "__name__", repr(function)).strip("_"))


_building: ContextVar[_Building | None] = ContextVar("building", default=None)
