"""Pipelines that run when they are called, on the active stack of the user's workspace."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, overload

from stackfold.application.run_views import RunDescription, RunView
from stackfold.domain import pipeline as domain
from stackfold.domain.errors import InvalidPipeline
from stackfold.infrastructure.workspace import Workspace

__all__ = ["FinishedRun", "Pipeline", "pipeline"]

Given = ParamSpec("Given")

_OPTIONS = ("stack", "why")
"""What `Pipeline.run` takes beside the pipeline's own parameters."""


@dataclass(frozen=True)
class FinishedRun:
    """A run that completed, and the way to what it produced."""

    view: RunView
    home: Path
    """The home of the workspace that knows it."""

    @property
    def id(self) -> str:
        """Its id."""
        return self.view.id

    @property
    def name(self) -> str:
        """Its name."""
        return self.view.name

    @property
    def status(self) -> str:
        """Its status: "completed"; a run that failed raised instead."""
        return self.view.status

    def describe(self) -> RunDescription:
        """Its steps, and everything that it was pinned to."""
        with Workspace.open(self.home) as workspace:
            return workspace.runs.describe(self.id)

    def load(self, step: str, output: str | None = None) -> Any:
        """A value that it produced.

        Args:
            step: The step's name.
            output: The output's name; may be left out if there is one.

        Raises:
            NotFound: There is no such output.
            ArtifactDamaged: The value is gone, or not what was written.
        """
        with Workspace.open(self.home) as workspace:
            return workspace.runs.load(self.id, step, output)


class Pipeline(domain.Pipeline[Given]):
    """A function that connects steps; to call it is to run it."""

    def __init__(self, function: Callable[Given, Any], name: str | None = None) -> None:
        """Make a function a pipeline.

        Args:
            function: Calls steps, and hands the outputs of some to others.
            name: Its name in runs; the function's if None.

        Raises:
            InvalidName: The name breaks the rule for names.
            InvalidPipeline: A parameter is called like an option of `run`.
        """
        super().__init__(function, name)
        taken = [option for option in _OPTIONS if option in _inputs(function)]
        if taken:
            raise InvalidPipeline(
                f"pipeline {self.name!r} has a parameter {taken[0]!r}, which is an option of "
                "every run: give it another name"
            )

    def __call__(self, *args: Given.args, **kwargs: Given.kwargs) -> FinishedRun:
        """Run on the active stack; takes the pipeline's parameters and raises as `run` does."""
        return self._start(self.signature.bound(args, kwargs))

    def run(
        self, *args: Any, stack: str | None = None, why: str = "", **parameters: Any
    ) -> FinishedRun:
        """Run, and return when the run has completed.

        Args:
            *args: The pipeline's parameters,
            stack: The stack to run on, by name, id or unique prefix; the active one if None.
                Which one is active does not change.
            why: The reason, for the log.
            **parameters: and the same by name.

        Raises:
            InvalidPipeline: Its steps or parameters do not fit.
            NotFound: There is no such stack.
            RunFailed: A step raised; its exception is the cause.
        """
        return self._start(self.signature.bound(args, parameters), stack, why)

    def _start(
        self, parameters: Mapping[str, Any], stack: str | None = None, why: str = ""
    ) -> FinishedRun:
        self.must_not_be_nested()
        with Workspace.open() as workspace:
            view = workspace.runs.start(self, parameters, stack=stack, why=why)
            return FinishedRun(view, workspace.home)


def _inputs(function: Callable[..., Any]) -> tuple[str, ...]:
    code = getattr(function, "__code__", None)
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount] if code else ()


@overload
def pipeline(function: Callable[Given, Any], /) -> Pipeline[Given]: ...


@overload
def pipeline(*, name: str | None = None) -> Callable[[Callable[Given, Any]], Pipeline[Given]]: ...


def pipeline(function: Callable[..., Any] | None = None, /, *, name: str | None = None) -> Any:
    """Make a function a pipeline; to be used as a decorator, with or without options.

    Args:
        function: Calls steps, and hands the outputs of some to others.
        name: Its name in runs; the function's if None.
    """
    if function is None:
        return lambda function: Pipeline(function, name)
    return Pipeline(function, name)
