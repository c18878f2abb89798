"""StepCall: loads the inputs of a step, calls its function, and stores the outputs."""

import copy
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType, TracebackType
from typing import Any, NamedTuple, Self, TypeVar
from uuid import UUID

from stackfold.application.artifacts.artifact_handle import ArtifactHandle, takes_handle
from stackfold.application.artifacts.materializers import Materializers
from stackfold.application.artifacts.values import read, write
from stackfold.application.ports import ArtifactStore
from stackfold.application.ports.interruptions import is_interruption
from stackfold.application.runs.context import RunFacts, StepContext, StepMetadata, executing
from stackfold.application.runs.own_names import own_names
from stackfold.application.runs.run_link import RunLink, Taking
from stackfold.application.runs.step_artifacts import StepArtifacts, StepFacts
from stackfold.application.runs.step_components import StepComponents
from stackfold.application.runs.step_tracker import Tracked
from stackfold.application.secrets.redaction import redacted, without_secrets
from stackfold.domain.errors import InvalidOutput, StackfoldError
from stackfold.domain.errors.wording import text_of, with_article
from stackfold.domain.pipelines.graph import CollectionInput, StepFunction, chosen_materializer
from stackfold.domain.pipelines.output_check import checked_outputs, named_outputs
from stackfold.domain.runs.artifact import Artifact, OwnName
from stackfold.domain.stacks.component_type import ComponentType

_HEADER = "Traceback (most recent call last):"
_NEVER_CHANGED = (str, int, float, bool, type(None))


class ExecutionResult(NamedTuple):
    """The result of an executed step."""

    outputs: tuple[Artifact, ...]
    metadata: dict[str, Any]
    """JSON values."""
    tags: tuple[str, ...]
    names: Mapping[str, OwnName] = {}
    """Output → the name that its artifact has across pipelines, if it has one."""
    artifacts: StepFacts = StepFacts()
    """What it did with artifacts besides its inputs and outputs; never changed here."""
    found: tuple[UUID, ...] = ()
    """The artifacts that the execution in the cache had saved."""


@dataclass(frozen=True, slots=True)
class StepCall:
    """One use of a step, ready to be executed in this or another process.

    Values are read from and written to the artifact store, and are not part of the call.
    """

    run: RunFacts
    node: str
    """The step's name in its run."""
    step: StepFunction
    arguments: Mapping[str, Any]
    """Input → a plain value."""
    inputs: Mapping[str, Artifact]
    """Input → the artifact of its value; "models[0]" for the first in a list."""
    gathered: Mapping[str, CollectionInput]
    """Input → the collection to build from several of `inputs`."""
    store: ArtifactStore
    materializers: Materializers
    tracked: Tracked | None = None
    """The experiment tracker of the step."""
    check_outputs: bool = True
    """Whether its return value must match its type hints."""
    stores: Mapping[str, ArtifactStore] = field(default_factory=dict)
    """Input → the store that its artifact is in, if that is not `store`."""
    uses: Mapping[str, tuple[Artifact, ArtifactStore]] = field(default_factory=dict)
    """Reference that the step declares → the artifact that it was at the start, and its store."""
    link: RunLink | None = None
    """Reaches the log of the run."""
    components: StepComponents | None = None
    """The components of the run's stack."""

    def __call__(self) -> ExecutionResult:
        """Execute the step, with its context available through `get_context`.

        Returns:
            Its stored outputs, metadata and tags.

        Raises:
            ArtifactDamaged: An input is missing or damaged.
            InvalidOutput: It returned a value that it does not declare or that cannot be stored.
            TrackerUnavailable: Its experiment tracker is strict and cannot be reached.
            Exception: What the step raised.
        """
        values = {
            # Steps may modify their arguments; other steps must not see that.
            name: value if isinstance(value, _NEVER_CHANGED) else copy.deepcopy(value)
            for name, value in self.arguments.items()
        }
        options = self.step.options
        metadata = StepMetadata(dict(options.metadata), options.tags)
        own = own_names(self.node, self.step.signature.outputs, self.arguments, self.run.started)
        declared = {
            each.name: StepMetadata(dict(each.own.metadata), each.own.tags)
            if each.own
            else StepMetadata()
            for each in self.step.signature.outputs
        }
        artifacts, parameters = self._artifacts(), MappingProxyType(dict(values))
        context = StepContext(
            *(self.run, self.node, declared, metadata, self.tracked, artifacts),
            inputs=self.inputs,
            parameters=parameters,
            components=self.components,
        )
        with executing(context):
            values |= self._inputs()
            with context.tracker.open_for_step():
                named = checked_outputs if self.check_outputs else named_outputs
                returned = named(
                    self.node, self.step.signature.outputs, self.step.function(**values)
                )
            del values  # free the memory before the outputs are written
            chosen = {
                each.name: chosen_materializer(self.step, each)
                for each in self.step.signature.outputs
            }
            outputs = tuple(
                self._write(name, value, chosen[name], context.output_metadata[name])
                for name, value in returned
            )
        return ExecutionResult(outputs, metadata.metadata, metadata.tags, own, metadata.artifacts)

    def _artifacts(self) -> StepArtifacts:
        (component, *_) = self.run.pin.components[ComponentType.ARTIFACT_STORE]
        return StepArtifacts(
            self.node,
            self.run.id,
            self.step,
            self.store,
            component,
            self.materializers,
            self.link,
            self.uses,
            Taking(self.run.pin.stack, self.run.pin.stack_id, self.run.from_stack),
        )

    def _inputs(self) -> dict[str, Any]:
        values = {name: self._read(name, artifact) for name, artifact in self.inputs.items()}
        for name, collection in self.gathered.items():
            if isinstance(collection, dict):
                values[name] = {key: values.pop(input) for key, input in collection.items()}
            else:
                values[name] = type(collection)(values.pop(input) for input in collection)
        return values

    def _read(self, name: str, artifact: Artifact) -> Any:
        hint = self.step.signature.hints.get(name.partition("[")[0], Any)
        store = self.stores.get(name, self.store)
        if takes_handle(hint):
            return ArtifactHandle(artifact, store, self.materializers)
        return read(artifact, store, self.materializers, self.step, hint)

    def _write(self, name: str, value: Any, chosen: str, metadata: StepMetadata) -> Artifact:
        try:
            written = write(name, value, self.store, self.materializers, chosen)
        except StackfoldError:
            raise
        except BaseException as error:
            if is_interruption(error) or isinstance(error, SystemExit):
                raise
            # A class of the user's may raise anything while it is pickled.
            what = with_article(type(value).__name__)
            problem = f"{what} as {name!r} that cannot be stored: {text_of(error)}"
            raise InvalidOutput(self.node, problem) from error
        if not metadata:
            return written
        found = {**written.metadata, **metadata.metadata}
        return written.model_copy(update={"metadata": found, "tags": metadata.tags})


Raised = TypeVar("Raised", bound=BaseException)


def trimmed(error: Raised) -> Raised:
    """Remove the frames of Stackfold from an error's traceback, so that it begins in the step."""
    frames = error.__traceback__
    while frames and _is_stackfold(frames.tb_frame.f_globals):
        frames = frames.tb_next
    # With no frame left, the error was raised by Stackfold itself.
    ours = not frames and not isinstance(error, StackfoldError)
    return without_secrets(error if ours else error.with_traceback(frames))


def _is_stackfold(module: Mapping[str, Any]) -> bool:
    name = str(module.get("__package__") or module.get("__name__"))
    # Steps of the contracts for flavors are those of a user.
    if name.startswith("stackfold.testing"):
        return False
    # contextlib appears between two of our frames at the end of a `with` block.
    return name.partition(".")[0] in {"stackfold", "contextlib"}


def traceback_text(error: BaseException) -> str:
    """Format the traceback of a trimmed error, or the one from the process that raised it."""
    notes = getattr(error, "__notes__", None)
    last = notes[-1] if isinstance(notes, list) and notes else None
    if isinstance(last, str) and last.startswith(_HEADER):
        return redacted(last)
    if isinstance(error, StackfoldError) and not error.__traceback__:
        return one_line(error)
    return _printable("".join(traceback.format_exception(error)).rstrip())


def one_line(error: BaseException) -> str:
    """Format an error as its class and the first line of its message."""
    text = redacted(text_of(error)).strip().partition("\n")[0]
    if isinstance(error, StackfoldError):
        return _printable(text)
    return _printable(f"{type(error).__name__}: {text}" if text else type(error).__name__)


class Failure(NamedTuple):
    """An error, captured before the orchestrator adds frames to its traceback."""

    cause: BaseException
    frames: TracebackType | None
    error: str
    """In one line."""
    traceback: str

    @classmethod
    def of(cls, error: BaseException) -> Self:
        """Capture an error that was just caught."""
        error = trimmed(error)
        return cls(error, error.__traceback__, one_line(error), traceback_text(error))


def _printable(text: str) -> str:
    # A lone surrogate, as in a file name of another encoding, cannot be recorded.
    return redacted(text).encode(errors="backslashreplace").decode()
