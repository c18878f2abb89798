"""Graph: the steps of a pipeline, and the outputs that flow between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn, Protocol

from pydantic import BaseModel, JsonValue

from stackfold.domain.errors import InvalidPipeline
from stackfold.domain.limits import PARAMETERS, must_fit
from stackfold.domain.pipelines.options import PipelineOptions, StepOptions
from stackfold.domain.pipelines.signature import OutputDefinition, Signature
from stackfold.domain.runs.returned import Returned, ReturnedOutput


class StepFunction(Protocol):
    """The interface of a step that a node needs."""

    name: str
    function: Callable[..., Any]
    options: StepOptions

    @property
    def signature(self) -> Signature:
        """Its inputs and outputs."""
        ...


def chosen_materializer(step: StepFunction, output: OutputDefinition) -> str:
    """Return the name of the materializer that a step chooses for an output; empty for none."""
    own = output.own.materializer if output.own else ""
    return step.options.materializers.get(output.name, own)


@dataclass(frozen=True, slots=True, eq=False)
class StepOutput:
    """Stands for a value that a step will return, while a graph is built.

    It can be passed to other steps. Every use as a value raises `InvalidPipeline`.
    """

    step: str
    """The name of the node whose output it is; empty for an artifact of an earlier run."""
    name: str
    """The name of the output; empty where it stands for the end of a step without outputs. The
    reference of an artifact of an earlier run."""
    of: object = field(repr=False)
    """Identifies the graph that it belongs to."""

    def _raise(self, *_: object) -> NoReturn:
        what = f"the output {self.name!r} of step {self.step!r} has no value"
        if not self.step:
            what = f"artifact {self.name!r} has no value"
        elif not self.name:
            what = f"step {self.step!r} has no output"
        raise InvalidPipeline(
            f"{what} while the pipeline is built: pass it to a step and use it there"
        )

    __bool__ = __int__ = __float__ = __len__ = __contains__ = __getitem__ = __call__ = _raise
    __lt__ = __le__ = __gt__ = __ge__ = __add__ = __sub__ = __mul__ = __truediv__ = _raise
    __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __mod__ = __floordiv__ = __pow__ = _raise
    __neg__ = __abs__ = __round__ = __index__ = __invert__ = __and__ = __or__ = __matmul__ = _raise
    # A formatted text would contain the name of the output, not its value.
    __str__ = __format__ = _raise

    def __eq__(self, other: object) -> bool:
        # `if output == 3` would silently be false.
        return self is other if isinstance(other, StepOutput) else self._raise()

    __hash__ = object.__hash__

    def __iter__(self) -> Iterator[Any]:
        has = f"one output, {self.name!r}" if self.name else "no output"
        raise InvalidPipeline(
            f"step {self.step!r} has {has}: to return several, annotate its result as tuple[...]"
        )

    def __getattr__(self, attribute: str) -> NoReturn:
        # Protocols such as copying look up special names and expect an AttributeError.
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        self._raise()


_WITHOUT_PARTS = frozenset({str, int, float, bool, bytes, type(None)})


def find_output(value: object) -> StepOutput | None:
    """Return an output that a value is or contains at any depth; None if there is none."""
    if type(value) in _WITHOUT_PARTS:
        return None
    waiting, seen = [value], set()
    while waiting:
        each = waiting.pop()
        if type(each) is StepOutput:
            return each
        if id(each) not in seen:
            seen.add(id(each))
            waiting += [part for part in _parts(each) if type(part) not in _WITHOUT_PARTS]
    return None


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return (*value, *value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return value
    if isinstance(value, BaseModel):
        return tuple(value.__dict__.values())
    fields = getattr(type(value), "__dataclass_fields__", ())
    return tuple(getattr(value, name, None) for name in fields)


CollectionInput = list[str] | tuple[str, ...] | dict[str, str]
"""A list, tuple or dictionary of outputs, each given by its key in `Node.inputs`."""


@dataclass(frozen=True, slots=True)
class Node:
    """One use of a step in a graph."""

    name: str
    """Unique in the graph; "inner.step" for a step of an inner pipeline."""
    step: StepFunction
    arguments: Mapping[str, Any]
    """Input → the value given for it, validated, or its default."""
    parameters: Mapping[str, JsonValue]
    """Input → the record of the same value; see `domain.exact_json`."""
    inputs: Mapping[str, StepOutput]
    """Input → the output that flows into it; "models[0]" for the first output in a list."""
    gathered: Mapping[str, CollectionInput]
    """Input → the collection of outputs that flows into it, where it takes one."""
    upstream: tuple[str, ...]
    """The nodes that must be executed before it, each once."""
    cache: bool
    """Whether the result of an equal earlier execution may be reused."""
    check_outputs: bool = True
    """Whether its return value must match its type hints."""

    @property
    def uses(self) -> tuple[str, ...]:
        """The references of the artifacts that it may load, and that its result depends on."""
        return self.step.options.uses

    @property
    def declaration(self) -> str:
        """The names and types of its outputs, and whether they are checked."""
        declared = self.step.signature.declaration
        return declared if self.check_outputs else f"{declared} (not checked)"


@dataclass(frozen=True, slots=True)
class Graph:
    """The steps of a pipeline with their parameters, ready to run."""

    pipeline: str
    source: str
    """The location of the pipeline: "package.module:function" or "file.py:function"."""
    parameters: Mapping[str, JsonValue]
    """The records of the pipeline's parameters, including defaults."""
    configuration: Mapping[str, JsonValue]
    """The record of the run's configuration, without the pipeline's parameters."""
    nodes: tuple[Node, ...]
    """In topological order."""
    options: PipelineOptions
    """The options of the pipeline, as the configuration of the run changes them."""
    import_root: str = ""
    """The folder that the pipeline's module is imported from; empty if unknown."""
    returns: Returned | None = None
    """The outputs that the pipeline function returned."""
    given: Mapping[str, Any] = field(default_factory=dict)
    """Text that refers to a value which is no parameter → the value; see `given_values`."""

    @property
    def own_names(self) -> set[str]:
        """The names of their own that outputs of its steps have, without placeholders."""
        outputs = (each for node in self.nodes for each in node.step.signature.outputs)
        return {each.own.name for each in outputs if each.own and each.own.is_fixed}

    @property
    def references(self) -> tuple[str, ...]:
        """The references of the artifacts of earlier runs that its steps take, each once."""
        found: list[str] = []
        for node in self.nodes:
            found += (each.name for each in node.inputs.values() if not each.step)
            found += node.uses
        return tuple(dict.fromkeys(found))


def returned_outputs(value: object) -> Returned | None:
    """Return the outputs that a pipeline function returned, alone or in one collection.

    Args:
        value: What it returned; None is returned unless it consists of outputs of steps.
    """
    if type(value) is StepOutput:
        return _returned("one", {"0": value})
    if type(value) is dict and all(type(key) is str for key in value):
        return _returned("dict", value)
    if type(value) is tuple or type(value) is list:
        kind: Literal["tuple", "list"] = "tuple" if type(value) is tuple else "list"
        return _returned(kind, {str(index): each for index, each in enumerate(value)})
    return None


def _returned(
    kind: Literal["one", "tuple", "list", "dict"], outputs: Mapping[str, Any]
) -> Returned | None:
    if not outputs or not all(type(each) is StepOutput and each.step for each in outputs.values()):
        return None
    if not all(each.name for each in outputs.values()):  # of a step without outputs
        return None
    return Returned(
        kind=kind,
        outputs=tuple(
            ReturnedOutput(key=key, step=each.step, output=each.name)
            for key, each in outputs.items()
        ),
    )


def parameters_must_fit(graph: Graph) -> None:
    """Reject parameters that are too large for the log; for new runs only.

    Raises:
        TooLarge: The parameters of the run or of a step are too large.
        Invalid: A parameter is nested too deeply.
    """
    must_fit("the parameters of the run", graph.parameters, PARAMETERS, _INSTEAD)
    for node in graph.nodes:
        must_fit(f"the parameters of step {node.name!r}", node.parameters, PARAMETERS, _INSTEAD)


_INSTEAD = "let a step read or produce the value, and pass on its output"
