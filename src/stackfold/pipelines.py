"""Pipelines that run when they are called, in the workspace that is in scope."""

import os
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any, ParamSpec, Unpack, cast, overload

from stackfold.domain.errors import InvalidPipeline
from stackfold.domain.pipelines import pipeline as domain
from stackfold.domain.pipelines.graph_builder import current
from stackfold.domain.pipelines.options import PipelineChanges
from stackfold.domain.pipelines.run_configuration import AS_WRITTEN, AnyConfiguration
from stackfold.infrastructure.current_workspace import current_workspace
from stackfold.infrastructure.finished_run import FinishedRun
from stackfold.infrastructure.workspace import Workspace

__all__ = ["FinishedRun", "Pipeline", "pipeline"]

Given = ParamSpec("Given")

_OPTIONS = ("configuration", "stack", "why")
"""What `Pipeline.run` takes beside the pipeline's own parameters."""


class Pipeline(domain.Pipeline[Given]):
    """A function that connects steps; to call it is to run it.

    Called inside another pipeline function it is not run: its steps become a part of that one.
    """

    def __init__(
        self,
        function: Callable[Given, Any],
        name: str | None = None,
        **options: Unpack[PipelineChanges],
    ) -> None:
        """Make a function a pipeline.

        Args:
            function: Calls steps and pipelines, and hands the outputs of some to others.
            name: Its name in runs; the function's if None.
            **options: How it is executed; see `PipelineOptions`.

        Raises:
            InvalidName: The name breaks the rule for names.
            InvalidPipeline: A parameter is called like an option of `run`; or there is no such
                option, or it cannot have that value.
        """
        super().__init__(function, name, **options)
        taken = [option for option in _OPTIONS if option in _inputs(function)]
        if taken:
            raise InvalidPipeline(
                f"pipeline {self.name!r} has a parameter {taken[0]!r}, which is an option of "
                "every run: give it another name"
            )

    def __call__(self, *args: Given.args, **kwargs: Given.kwargs) -> FinishedRun:
        """Run on the active stack; takes the pipeline's parameters and raises as `run` does.

        The workspace is that of the innermost `with` block, or else what `Workspace.open()` opens.
        """
        if current() is not None:
            # To a type checker it is a run all the same; an inner pipeline's outputs are Any.
            return cast(FinishedRun, super().__call__(*args, **kwargs))
        return self._start(self.signature.bound(args, kwargs))

    def run(
        self,
        *args: Any,
        configuration: AnyConfiguration | str | os.PathLike[str] = AS_WRITTEN,
        stack: str | None = None,
        why: str = "",
        **parameters: Any,
    ) -> FinishedRun:
        """Run, and return when the run has completed.

        Args:
            *args: The pipeline's parameters,
            configuration: What else is chosen for this run: a `RunConfiguration`, a mapping with
                its keys, or the path of a YAML file with them.
            stack: The stack to run on, by name, id or unique prefix; the configuration's or else
                the active one if None. Which one is active does not change.
            why: The reason, for the log.
            **parameters: and the same by name; they override the configuration's.

        Raises:
            InvalidPipeline: Its steps, parameters or configuration do not fit.
            InvalidFile: The file cannot be read, or is no configuration.
            NotFound: There is no such stack.
            NoWorkspace: This thread is in no workspace's block, though another one is.
            RunFailed: A step raised; its exception is the cause.
        """
        return self._start(self.signature.named(args, parameters), configuration, stack, why)

    def _start(
        self,
        parameters: Mapping[str, Any],
        configuration: AnyConfiguration | str | os.PathLike[str] = AS_WRITTEN,
        stack: str | None = None,
        why: str = "",
    ) -> FinishedRun:
        if current() is not None:
            raise InvalidPipeline(
                f"a run of pipeline {self.name!r} is started inside another pipeline: call it to "
                "make its steps a part of that"
            )
        workspace = current_workspace(Workspace.is_default)
        with nullcontext(workspace) if workspace else Workspace.open() as used:
            if isinstance(configuration, str | os.PathLike):
                configuration = used.load_configuration(configuration)
            view = used.runs.start(
                self, parameters, configuration=configuration, stack=stack, why=why
            )
            return FinishedRun.of(view, used)


def _inputs(function: Callable[..., Any]) -> tuple[str, ...]:
    code = getattr(function, "__code__", None)
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount] if code else ()


@overload
def pipeline(function: Callable[Given, Any], /) -> Pipeline[Given]: ...


@overload
def pipeline(
    *, name: str | None = None, **options: Unpack[PipelineChanges]
) -> Callable[[Callable[Given, Any]], Pipeline[Given]]: ...


def pipeline(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    **options: Unpack[PipelineChanges],
) -> Any:
    """Make a function a pipeline; to be used as a decorator, with or without options.

    Args:
        function: Calls steps and pipelines, and hands the outputs of some to others.
        name: Its name in runs; the function's if None.
        **options: How it is executed; see `PipelineOptions`.
    """
    if function is None:
        return lambda function: Pipeline(function, name, **options)
    return Pipeline(function, name, **options)
