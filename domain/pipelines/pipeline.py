"""Pipeline: a function that connects steps to a graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, update_wrapper
from typing import Any, Generic, ParamSpec, Self, Unpack

from pydantic import JsonValue

from stackfold.domain.errors import InvalidPipeline, StackfoldError
from stackfold.domain.errors.wording import text_of
from stackfold.domain.name import valid_name
from stackfold.domain.pipelines.function_source import source_of
from stackfold.domain.pipelines.graph import Graph, find_output, returned_outputs
from stackfold.domain.pipelines.graph_builder import building, current
from stackfold.domain.pipelines.options import PipelineChanges, PipelineOptions
from stackfold.domain.pipelines.run_configuration import AS_WRITTEN, RunConfiguration
from stackfold.domain.pipelines.signature import Signature
from stackfold.domain.pipelines.step import Step, name_of, step

__all__ = ["Pipeline", "Step", "step"]

Given = ParamSpec("Given")


class Pipeline(Generic[Given]):
    """A function that connects steps to a graph."""

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
            InvalidPipeline: An option is unknown, or has an invalid value.
        """
        self.function = function
        self.name = name_of("pipeline", name, function)
        self.options = PipelineOptions.of(f"pipeline {self.name!r}", options)
        update_wrapper(self, function, updated=())

    @cached_property
    def signature(self) -> Signature:
        """Its parameters; computed on first use.

        Raises:
            InvalidPipeline: The function cannot be a pipeline.
        """
        return Signature(f"pipeline {self.name!r}", self.function)

    @property
    def source(self) -> str:
        """The location of the function: "package.module:function" or "file.py:function"."""
        return source_of(self.function).location

    @property
    def import_root(self) -> str:
        """The folder that its module is imported from; empty if unknown."""
        return source_of(self.function).root

    def with_options(self, *, name: str | None = None, **options: Unpack[PipelineChanges]) -> Self:
        """Return a copy of the pipeline with another name or other options.

        Args:
            name: The name of the copy in runs; None for the same name.
            **options: The options that change; see `PipelineOptions`.

        Raises:
            InvalidName: The name breaks the rule for names.
            InvalidPipeline: An option is unknown, or has an invalid value.
        """
        changed = object.__new__(type(self))
        vars(changed).update(vars(self))
        if name is not None:
            changed.name = valid_name("pipeline", name)
            if "signature" in vars(changed):
                vars(changed)["signature"] = self.signature.of(f"pipeline {changed.name!r}")
        changed.options = self.options.but(f"pipeline {changed.name!r}", options)
        return changed

    def __call__(self, *args: Given.args, **kwargs: Given.kwargs) -> Any:
        """Add its steps to the graph that is being built; their names begin with its name.

        Returns:
            The return value of the function, usually outputs. If that is None: outputs that stand
            for the end of its last steps, for `Step.after`.

        Raises:
            InvalidPipeline: No graph is being built, or a parameter is invalid.
        """
        outer = current()
        if outer is None:
            raise InvalidPipeline(
                f"pipeline {self.name!r} is called outside a pipeline: start a run of it"
            )
        arguments, _ = self._valid(self.signature.bound(args, kwargs))
        first = len(outer.nodes)
        with outer.inside(self):
            returned = self._connect(arguments)
        return outer.ends(first) if returned is None else returned

    def graph(self, *args: Given.args, **kwargs: Given.kwargs) -> Graph:
        """Build the graph, without executing any step.

        Args:
            *args: Parameters of the pipeline.
            **kwargs: Parameters of the pipeline, by name.

        Raises:
            InvalidPipeline: A parameter is unknown, missing, of the wrong type, or cannot be
                recorded; or the function raised.
        """
        return self.graph_for(self.signature.named(args, kwargs))

    def graph_for(
        self, parameters: Mapping[str, Any], configuration: RunConfiguration = AS_WRITTEN
    ) -> Graph:
        """Build the graph for a run with a configuration; raises like `graph`.

        Args:
            parameters: Parameters of the pipeline by name; they override the configuration.
            configuration: The configuration of the run.
        """
        given = {**configuration.parameters, **parameters}
        self.signature.must_know(given)
        self.signature.must_be_complete(given)
        return self._graph(*self._valid(given), configuration)

    def graph_as_recorded(
        self, records: Mapping[str, JsonValue], configuration: RunConfiguration
    ) -> Graph:
        """Build the graph with the values that an earlier run recorded; raises like `graph`.

        Args:
            records: Recorded parameters of the pipeline, by name.
            configuration: The recorded configuration of the run.
        """
        self.signature.must_know(records)
        self.signature.must_be_complete(records)
        records = {**self.signature.defaults, **records}
        arguments = {name: self.signature.read(name, each) for name, each in records.items()}
        return self._graph(arguments, records, configuration, as_recorded=True)

    def _graph(
        self,
        arguments: Mapping[str, Any],
        records: Mapping[str, JsonValue],
        configuration: RunConfiguration,
        as_recorded: bool = False,
    ) -> Graph:
        with building(self, configuration, as_recorded) as graph:
            returned = self._connect(arguments)
            nodes = graph.finish(self)
        changes = configuration.options
        if "tags" in changes:
            changes["tags"] = (*self.options.tags, *changes["tags"])
        if "metadata" in changes:
            changes["metadata"] = {**self.options.metadata, **changes["metadata"]}
        options = self.options.but(f"pipeline {self.name!r}", changes)
        chosen = configuration.record(graph.step_parameters)
        root, returns = self.import_root, returned_outputs(returned)
        return Graph(
            self.name, self.source, records, chosen, nodes, options, root, returns, graph.given
        )

    def _valid(self, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, JsonValue]]:
        """Return the arguments of the function, and records of those that are not outputs."""
        signature = self.signature
        arguments: dict[str, Any] = {}
        records: dict[str, JsonValue] = {}
        for name in signature.names:
            if name not in given:
                records[name] = signature.defaults[name]
                arguments[name] = signature.read(name, records[name])
            elif find_output(given[name]) is not None:
                arguments[name] = given[name]
            else:
                arguments[name], records[name] = signature.validated(name, given[name])
        return arguments, records

    def _connect(self, arguments: Mapping[str, Any]) -> Any:
        try:
            return self.function(**arguments)  # type: ignore[call-arg]
        except StackfoldError:
            raise
        except Exception as error:
            raise InvalidPipeline(
                f"pipeline {self.name!r} raised {type(error).__name__} in line "
                f"{_line(error, self.function)} while its steps were connected: {text_of(error)}"
            ) from error


def _line(error: Exception, function: Callable[..., Any]) -> int:
    """The last line in the function's file that the traceback passes through."""
    line, traceback = 0, error.__traceback__
    code = getattr(function, "__code__", None)
    while traceback:
        if code and traceback.tb_frame.f_code.co_filename == code.co_filename:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line
