"""GraphBuilder: collects the nodes of a graph while the pipeline function runs."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol, Self, Unpack

from pydantic import JsonValue

from stackfold.domain.errors import InvalidPipeline
from stackfold.domain.pipelines.given_values import can_be_given, given_as
from stackfold.domain.pipelines.graph import (
    CollectionInput,
    Node,
    StepFunction,
    StepOutput,
    find_output,
)
from stackfold.domain.pipelines.hints import are_disjoint, hint_text
from stackfold.domain.pipelines.options import PipelineOptions, StepChanges
from stackfold.domain.pipelines.run_configuration import (
    AS_WRITTEN,
    RunConfiguration,
    StepConfiguration,
)
from stackfold.domain.runs.artifact_reference import ArtifactReference


class Buildable(StepFunction, Protocol):
    """The interface of a step that is called in a pipeline function."""

    waits_for: tuple[StepOutput, ...]

    def with_options(self, **options: Unpack[StepChanges]) -> Self:
        """Return a copy with other options."""
        ...


class PipelineFunction(Protocol):
    """The interface of a pipeline that the builder needs."""

    name: str
    options: PipelineOptions


class GraphBuilder:
    """The nodes that were added so far, and the pipeline that the next one belongs to."""

    def __init__(
        self, pipeline: PipelineFunction, configuration: RunConfiguration, as_recorded: bool = False
    ) -> None:
        """Start the graph of a pipeline.

        Args:
            pipeline: The pipeline.
            configuration: The configuration of the run.
            as_recorded: Whether parameters of steps in the configuration are records of values.
        """
        self.step_parameters: dict[str, dict[str, JsonValue]] = {}
        """Step → the records of its parameters that the configuration gives."""
        self._as_recorded = as_recorded
        self.nodes: list[Node] = []
        self._pipelines: list[PipelineFunction] = [pipeline]
        self._configuration = configuration
        self._prefix = ""
        self._cache = pipeline.options.enable_cache
        self._check = pipeline.options.check_outputs
        self._produced: dict[tuple[str, str], Any] = {}
        """(step, output) → type hint, where outputs are checked."""
        self._uses: dict[str, int] = {}
        self._mark = object()
        self.given: dict[str, Any] = {}
        """Text that refers to a given value → the value."""

    def add(self, step: Buildable, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Add a node for a call of a step; return its output, or a tuple of several."""
        signature = step.signature
        name = self._unique(self._prefix + step.name)
        given = signature.named(args, kwargs)
        configured = self._configuration.steps.get(name)
        if configured is not None:
            step = step.with_options(**configured.options)
            self._configure(step, name, given, configured)
        signature.must_be_complete(given)
        if step.options.materializers:
            _must_be_outputs(name, step)
        arguments: dict[str, Any] = {}
        parameters: dict[str, JsonValue] = {}
        inputs: dict[str, StepOutput] = {}
        gathered: dict[str, CollectionInput] = {}
        for key in signature.names:
            if key not in given:
                parameters[key] = signature.defaults[key]
                arguments[key] = signature.read(key, parameters[key])
                continue
            value = self._referenced(given[key])
            if type(value) is StepOutput:
                inputs[key] = self._of_this_graph(step, key, value)
                self._must_fit(step, key, value)
            elif _contains_output(value):
                gathered[key] = self._gather(step, key, value, inputs)
            else:
                self._must_contain_no_output(step, key, value)
                try:
                    arguments[key], parameters[key] = signature.validated(key, value)
                except InvalidPipeline:
                    if not can_be_given(value):
                        raise
                    inputs[key] = self._give(name, key, signature.matching(key, value))
        upstream = dict.fromkeys(each.step for each in inputs.values() if each.step)
        if step.waits_for:
            upstream |= dict.fromkeys(
                self._of_this_graph(step, "after", w).step for w in step.waits_for if w.step
            )
        cache = self._may_be_cached(step, configured)
        checks = self._checks(step, configured)
        self.nodes.append(
            Node(
                name, step, arguments, parameters, inputs, gathered, tuple(upstream), cache, checks
            )
        )
        if checks:
            self._produced |= {(name, each.name): each.type for each in signature.outputs}
        outputs = tuple(StepOutput(name, each.name, self._mark) for each in signature.outputs)
        if len(outputs) > 1:
            return outputs
        return outputs[0] if outputs else StepOutput(name, "", self._mark)

    def _give(self, node: str, input: str, value: Any) -> StepOutput:
        """Return a stand-in for a value that is written when the run starts, each once."""
        known = (text for text, each in self.given.items() if each is value)
        text = next(known, given_as(node, input))
        self.given[text] = value
        return StepOutput("", text, self._mark)

    def reference(self, text: str) -> StepOutput:
        """Return a stand-in for an artifact of an earlier run, which is looked up at the start."""
        return StepOutput("", text, self._mark)

    @contextmanager
    def inside(self, pipeline: PipelineFunction) -> Iterator[None]:
        """Nodes that are added in the block belong to an inner pipeline.

        Raises:
            InvalidPipeline: The pipeline calls itself.
        """
        if any(each is pipeline for each in self._pipelines):
            calls = " -> ".join(each.name for each in (*self._pipelines, pipeline))
            raise InvalidPipeline(f"pipeline {pipeline.name!r} calls itself: {calls}")
        before = self._prefix, self._cache, self._check
        self._prefix = f"{self._unique(self._prefix + pipeline.name)}."
        if pipeline.options.enable_cache is not None:
            self._cache = pipeline.options.enable_cache
        if pipeline.options.check_outputs is not None:
            self._check = pipeline.options.check_outputs
        self._pipelines.append(pipeline)
        try:
            yield
        finally:
            self._pipelines.pop()
            self._prefix, self._cache, self._check = before

    def ends(self, first: int) -> tuple[StepOutput, ...]:
        """Outputs that stand for the end of each node, from an index on, without a successor."""
        added = self.nodes[first:]
        needed = {name for node in added for name in node.upstream}
        return tuple(
            StepOutput(node.name, "", self._mark) for node in added if node.name not in needed
        )

    def finish(self, pipeline: PipelineFunction) -> tuple[Node, ...]:
        """Return the nodes in topological order.

        Raises:
            InvalidPipeline: There are no nodes, or the configuration names an unknown step.
        """
        if not self.nodes:
            raise InvalidPipeline(f"pipeline {pipeline.name!r} calls no step")
        if self._configuration.steps:
            names = dict.fromkeys(node.name for node in self.nodes)
            for unknown in self._configuration.steps.keys() - names.keys():
                raise InvalidPipeline(
                    f"the configuration names a step {unknown!r}: the steps of pipeline "
                    f"{pipeline.name!r} are {', '.join(names)}"
                )
        return tuple(self.nodes)

    def _referenced(self, value: Any) -> Any:
        """A value with stand-ins for recorded artifacts, alone or in a collection."""
        if isinstance(value, ArtifactReference):
            return self.reference(value.given_as)
        if type(value) in (list, tuple, dict):
            parts = value.values() if type(value) is dict else value
            if any(isinstance(part, ArtifactReference) for part in parts):
                if type(value) is dict:
                    return {key: self._referenced(part) for key, part in value.items()}
                return type(value)(map(self._referenced, value))
        return value

    def _unique(self, name: str) -> str:
        """The name, or the first free one of `train_2`, `train_3` and so on."""
        use = self._uses.get(name, 0) + 1
        unique = name if use == 1 else f"{name}_{use}"
        while use > 1 and unique in self._uses:  # a step whose own name is `train_2`
            use += 1
            unique = f"{name}_{use}"
        self._uses[name] = use
        if unique != name:
            self._uses[unique] = 1
        return unique

    def _configure(
        self, step: Buildable, node: str, given: dict[str, Any], configured: StepConfiguration
    ) -> None:
        signature = step.signature
        signature.must_know(configured.parameters)
        records = self.step_parameters[node] = {}
        for name, chosen in configured.parameters.items():
            value = given.get(name)
            if isinstance(value, StepOutput) or _contains_output(value):
                raise InvalidPipeline(
                    f"the configuration sets parameter {name!r} of step {step.name!r}, which "
                    "takes the output of another step"
                )
            value = signature.read(name, chosen) if self._as_recorded else chosen
            given[name], records[name] = signature.recorded(name, value)

    def _gather(
        self, step: Buildable, name: str, values: Any, inputs: dict[str, StepOutput]
    ) -> CollectionInput:
        """Add each output in a collection to `inputs`; return the collection of their keys."""
        if isinstance(values, set):
            raise InvalidPipeline(
                f"parameter {name!r} of step {step.name!r} contains outputs of steps in a set, "
                "which has no order: use a list"
            )
        pairs = values.items() if isinstance(values, dict) else enumerate(values)
        names: dict[Any, str] = {}
        for key, value in pairs:
            if type(value) is not StepOutput or (isinstance(values, dict) and type(key) is not str):
                raise InvalidPipeline(
                    f"parameter {name!r} of step {step.name!r} mixes outputs of steps with other "
                    f"values in a {type(values).__name__}: pass only outputs, or only values"
                )
            input = names[key] = f"{name}[{key}]"
            inputs[input] = self._of_this_graph(step, name, value)
        if isinstance(values, dict):
            return names
        return list(names.values()) if isinstance(values, list) else tuple(names.values())

    def _must_contain_no_output(self, step: Buildable, name: str, value: object) -> None:
        output = find_output(value)
        if output is not None:
            raise InvalidPipeline(
                f"parameter {name!r} of step {step.name!r} contains output {output.name!r} of step "
                f"{output.step!r} inside other values: pass outputs alone, or in one list, tuple "
                "or dictionary"
            )

    def _of_this_graph(self, step: Buildable, name: str, output: StepOutput) -> StepOutput:
        if output.of is not self._mark:
            raise InvalidPipeline(
                f"parameter {name!r} of step {step.name!r} is an output of step {output.step!r} "
                "in another graph: call the step in this pipeline"
            )
        if not output.name and name != "after":
            raise InvalidPipeline(
                f"parameter {name!r} of step {step.name!r} is given step {output.step!r}, which "
                "has no output: annotate its return value, or use after()"
            )
        return output

    def _must_fit(self, step: Buildable, name: str, output: StepOutput) -> None:
        """Reject an output for an input if no value can have both their types."""
        hint = self._produced.get((output.step, output.name), Any)
        taken = step.signature.hints[name]
        if are_disjoint(hint, taken):
            raise InvalidPipeline(
                f"parameter {name!r} of step {step.name!r} is declared as {hint_text(taken)}, but "
                f"output {output.name!r} of step {output.step!r} as {hint_text(hint)}: no value "
                "can be both"
            )

    def _checks(self, step: Buildable, configured: StepConfiguration | None) -> bool:
        """Whether the outputs of a step are checked; the run's configuration takes precedence."""
        choices = (
            configured.check_outputs if configured else None,
            self._configuration.check_outputs,
            step.options.check_outputs,
            self._check,
        )
        return next((choice for choice in choices if choice is not None), True)

    def _may_be_cached(self, step: Buildable, configured: StepConfiguration | None) -> bool:
        """Whether the step may be cached; see docs/pipelines.md for the precedence."""
        run = self._configuration.enable_cache
        choices = (
            configured.enable_cache if configured else None,
            False if run is False else None,
            step.options.enable_cache,
            run,
            self._cache,
        )
        chosen = next((choice for choice in choices if choice is not None), None)
        if not step.signature.outputs:
            # Such a step is executed for its side effects.
            return step.options.enable_cache is True and chosen is not False
        return True if chosen is None else chosen


def _must_be_outputs(name: str, step: Buildable) -> None:
    """Reject a materializer for what is no output of the step."""
    outputs = [each.name for each in step.signature.outputs]
    for each in step.options.materializers:
        if each not in outputs:
            raise InvalidPipeline(
                f"option 'materializers' of step {name!r} names an output {each!r}: it has "
                f"{', '.join(outputs) or 'none'}"
            )


def _contains_output(value: object) -> bool:
    if not isinstance(value, list | tuple | set | dict):
        return False
    parts = value.values() if isinstance(value, dict) else value
    return any(type(part) is StepOutput for part in parts)


_building: ContextVar[GraphBuilder | None] = ContextVar("building", default=None)


def current() -> GraphBuilder | None:
    """The builder of the graph that is being built; None outside a pipeline function."""
    return _building.get()


@contextmanager
def building(
    pipeline: PipelineFunction,
    configuration: RunConfiguration = AS_WRITTEN,
    as_recorded: bool = False,
) -> Iterator[GraphBuilder]:
    """Build a graph from the steps that are called in the block.

    Args:
        pipeline: The pipeline.
        configuration: The configuration of the run.
        as_recorded: Whether parameters of steps in the configuration are records of values.

    Raises:
        InvalidPipeline: Another graph is being built.
    """
    outer = _building.get()
    if outer is not None:
        raise InvalidPipeline(
            f"the graph of pipeline {pipeline.name!r} is built inside another pipeline: call "
            "the pipeline to add its steps"
        )
    graph = GraphBuilder(pipeline, configuration, as_recorded)
    token = _building.set(graph)
    try:
        yield graph
    finally:
        _building.reset(token)
