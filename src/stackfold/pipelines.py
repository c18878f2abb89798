"""Pipelines that run when they are called, in the current workspace."""

import os
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any, ParamSpec, Unpack, cast, overload

from stackfold.domain.errors import InvalidPipeline
from stackfold.domain.pipelines import pipeline as domain
from stackfold.domain.pipelines.graph_builder import current
from stackfold.domain.pipelines.options import PipelineChanges
from stackfold.domain.pipelines.run_configuration import (
    AS_WRITTEN,
    AnyConfiguration,
    configuration_of,
)
from stackfold.infrastructure.current_workspace import current_workspace
from stackfold.infrastructure.finished_run import FinishedRun
from stackfold.infrastructure.workspace import Workspace

__all__ = ["FinishedRun", "Pipeline", "pipeline"]

Given = ParamSpec("Given")

_OPTIONS = ("configuration", "stack", "why")
"""The arguments of `Pipeline.run` that are not parameters of the pipeline."""


class Pipeline(domain.Pipeline[Given]):
    """A function that connects steps to a graph; calling it runs the steps.

    Called inside another pipeline function, it is not run: its steps are added to the graph of the
    other pipeline.
    """

    def __init__(
        self,
        function: Callable[Given, Any],
        name: str | None = None,
        **options: Unpack[PipelineChanges],
    ) -> None:
        """Create a pipeline from a function.

        Args:
            function: Calls steps and pipelines, and passes outputs of some to others.
            name: The name of the pipeline in runs; None for the name of the function.
            **options: How the pipeline is executed; see `PipelineOptions`.

        Raises:
            InvalidName: The name breaks the rule for names.
            InvalidPipeline: A parameter has the name of an argument of `run`, or an option is
                unknown or has an invalid value.
        """
        super().__init__(function, name, **options)
        taken = [option for option in _OPTIONS if option in _inputs(function)]
        if taken:
            raise InvalidPipeline(
                f"pipeline {self.name!r} has a parameter {taken[0]!r}, which is an option of "
                "every run: rename the parameter"
            )

    def __call__(self, *args: Given.args, **kwargs: Given.kwargs) -> FinishedRun:
        """Run on the active stack with the given parameters; raises like `run`.

        The workspace is that of the innermost `with` block, otherwise that of `Workspace.open()`.
        In a script, progress is shown on stderr.
        """
        if current() is not None:
            # For a type checker, the outputs of an inner pipeline are a run, whose outputs are Any.
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
        """Run the pipeline, and return when the run has completed.

        Args:
            *args: Parameters of the pipeline.
            configuration: A `RunConfiguration`, a mapping with its keys, or the path of a YAML file
                with these keys.
            stack: The stack to run on, by name, id or unique prefix; None for that of the
                configuration, or else the active stack. The active stack does not change.
            why: The reason, for the log.
            **parameters: Parameters of the pipeline by name; they override the configuration.

        Raises:
            InvalidPipeline: The graph, the parameters or the configuration are invalid.
            InvalidFile: The file cannot be read, or is not a configuration.
            NotFound: The stack does not exist.
            NoWorkspace: This thread is in no `with` block of a workspace, but another thread is.
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
                f"a run of pipeline {self.name!r} is started inside another pipeline: call the "
                "pipeline to add its steps"
            )
        from stackfold.cli.script import shown_in_script

        workspace = current_workspace(Workspace._is_default)
        with nullcontext(workspace) if workspace else Workspace.open() as used:
            if isinstance(configuration, str | os.PathLike):
                configuration = used.pipelines.configuration(configuration)
            chosen = configuration_of(configuration)
            with shown_in_script(chosen.quiet) as listener:
                view = used.runs.start(
                    self,
                    parameters,
                    configuration=chosen,
                    stack=stack,
                    why=why,
                    listener=listener,
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
    """Turn a function into a pipeline; a decorator, with or without options.

    Args:
        function: Calls steps and pipelines, and passes outputs of some to others.
        name: The name of the pipeline in runs; None for the name of the function.
        **options: How the pipeline is executed; see `PipelineOptions`.
    """
    if function is None:
        return lambda function: Pipeline(function, name, **options)
    return Pipeline(function, name, **options)
