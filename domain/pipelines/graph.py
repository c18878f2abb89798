"""Graph: the steps of a pipeline and what flows between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol

from pydantic import BaseModel, JsonValue

from stackfold.domain.errors import InvalidPipeline
from stackfold.domain.limits import PARAMETERS, must_fit
from stackfold.domain.pipelines.options import PipelineOptions, StepOptions
from stackfold.domain.pipelines.signature import Signature


class StepFunction(Protocol):
    """What a node needs to know of its step."""

    name: str
    function: Callable[..., Any]
    options: StepOptions

    @property
    def signature(self) -> Signature:
        """Its inputs and outputs."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Output:
    """What a step will return, while the pipeline is built: to be handed to other steps."""

    step: str
    """The name of the node that it comes from."""
    name: str
    """Empty for a step without outputs: then it stands for the end of the step."""
    of: object = field(repr=False)
    """The graph that it belongs to."""

    def _refuse(self, *_: object) -> NoReturn:
        what = f"the output {self.name!r} of step {self.step!r} has no value"
        if not self.name:
            what = f"step {self.step!r} has no output"
        raise InvalidPipeline(
            f"{what} while the pipeline is built: hand outputs to a step and use them there"
        )

    __bool__ = __int__ = __float__ = __len__ = __contains__ = __getitem__ = __call__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = __add__ = __sub__ = __mul__ = __truediv__ = _refuse
    __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __mod__ = __floordiv__ = __pow__ = _refuse
    __neg__ = __abs__ = __round__ = __index__ = __invert__ = __and__ = __or__ = __matmul__ = _refuse
    # Otherwise a text would hold what the output is called, not its value.
    __str__ = __format__ = _refuse

    def __eq__(self, other: object) -> bool:
        # Otherwise `if output == 3` would quietly be false.
        return self is other if isinstance(other, Output) else self._refuse()

    __hash__ = object.__hash__

    def __iter__(self) -> Iterator[Any]:
        has = f"one output, {self.name!r}" if self.name else "no output"
        raise InvalidPipeline(
            f"step {self.step!r} has {has}: to return several, annotate its result as tuple[...]"
        )

    def __getattr__(self, attribute: str) -> NoReturn:
        # Protocols such as copying ask for special names and expect this answer.
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        self._refuse()


_WITHOUT_PARTS = frozenset({str, int, float, bool, bytes, type(None)})


def find_output(value: object) -> Output | None:
    """An output that a value is or holds, at whatever depth; None if there is none."""
    if type(value) in _WITHOUT_PARTS:
        return None
    waiting, seen = [value], set()
    while waiting:
        each = waiting.pop()
        if type(each) is Output:
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
"""A list, tuple or dictionary of outputs, each by its name in `Node.inputs`."""


@dataclass(frozen=True, slots=True)
class Node:
    """One use of a step."""

    name: str
    """Unique in its graph; inside an inner pipeline "inner.step"."""
    step: StepFunction
    arguments: Mapping[str, Any]
    """Input → the plain value given for it, validated, or its default."""
    parameters: Mapping[str, JsonValue]
    """The same as it is recorded; see `domain.exact_json`."""
    inputs: Mapping[str, Output]
    """Input → the output that flows into it; "models[0]" for the first of those in a list."""
    gathered: Mapping[str, CollectionInput]
    """Input → how the outputs that flow into it are put together, where there are several."""
    upstream: tuple[str, ...]
    """The nodes that must come before it, each once."""
    cache: bool
    """Whether an equal earlier execution may stand for this one."""
    check_outputs: bool = True
    """Whether what it returns must fit its type hints."""

    @property
    def declaration(self) -> str:
        """What it declares to return, and whether that is checked."""
        declared = self.step.signature.declaration
        return declared if self.check_outputs else f"{declared} (not checked)"


@dataclass(frozen=True, slots=True)
class Graph:
    """A pipeline's steps with their parameters, ready to run."""

    pipeline: str
    source: str
    """Where the pipeline is: "package.module:function", or "file.py:function"."""
    parameters: Mapping[str, JsonValue]
    """The pipeline's own parameters as they are recorded, defaults included."""
    configuration: Mapping[str, JsonValue]
    """What was chosen for this run beside its parameters, as it is recorded."""
    nodes: tuple[Node, ...]
    """In topological order."""
    options: PipelineOptions
    """The pipeline's, with those that the run's configuration changes."""
    import_root: str = ""
    """The folder that its module is imported from, if that is known."""


def parameters_must_fit(graph: Graph) -> None:
    """Refuse parameters that take more room than a log gives them; for new runs only.

    Raises:
        TooLarge: Those of the run do, or those of a step.
        Invalid: One is nested too deeply.
    """
    must_fit("the parameters of the run", graph.parameters, PARAMETERS, _INSTEAD)
    for node in graph.nodes:
        must_fit(f"the parameters of step {node.name!r}", node.parameters, PARAMETERS, _INSTEAD)


_INSTEAD = "let a step read or produce the value, and hand it on as its output"
