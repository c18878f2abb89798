"""What it takes to execute one step: inputs from the store, the call, outputs to the store."""

import copy
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

from stackfold.application.artifacts.materializers import Materializers
from stackfold.application.artifacts.values import read, write
from stackfold.application.ports import ArtifactStore
from stackfold.application.ports.interruptions import is_interruption
from stackfold.application.runs.context import RunFacts, StepContext, StepMetadata, executing
from stackfold.application.runs.step_tracker import Tracked
from stackfold.application.secrets.redaction import redacted, without_secrets
from stackfold.domain.errors import InvalidOutput, StackfoldError
from stackfold.domain.errors.wording import text_of, with_article
from stackfold.domain.pipelines.graph import CollectionInput, StepFunction
from stackfold.domain.pipelines.output_check import checked_outputs, named_outputs
from stackfold.domain.runs.artifact import Artifact

_HEADER = "Traceback (most recent call last):"
_NEVER_CHANGED = (str, int, float, bool, type(None))


class ExecutionResult(NamedTuple):
    """What comes of a step."""

    outputs: tuple[Artifact, ...]
    metadata: dict[str, Any]
    """What is known of it beside; values that JSON can carry."""
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StepCall:
    """One use of a step, ready to be executed here or in another process.

    The values do not pass through whoever calls it: they stay with the artifact store.
    """

    run: RunFacts
    node: str
    """What the step is called in its run."""
    step: StepFunction
    arguments: Mapping[str, Any]
    """Input → a plain value."""
    inputs: Mapping[str, Artifact]
    """Input → where its value is; "models[0]" for the first of those in a list."""
    gathered: Mapping[str, CollectionInput]
    """Input → how the values in `inputs` are put together for it, where there are several."""
    store: ArtifactStore
    materializers: Materializers
    tracked: Tracked | None = None
    """What tracks it."""
    check_outputs: bool = True
    """Whether what it returns must fit its type hints."""

    def __call__(self) -> ExecutionResult:
        """Execute the step; it can ask for its context meanwhile.

        Returns:
            Where its outputs are, and what it adds to the record.

        Raises:
            ArtifactDamaged: An input is not what was written.
            InvalidOutput: It returned what it does not declare, or what cannot be stored.
            TrackerUnavailable: Its experiment tracker is strict, and cannot be reached.
            Exception: What the step raised.
        """
        values = {
            # A step may change what it is given; the next one must not see that.
            name: value if isinstance(value, _NEVER_CHANGED) else copy.deepcopy(value)
            for name, value in self.arguments.items()
        }
        values |= self._inputs()
        options = self.step.options
        notes = StepMetadata(dict(options.metadata), options.tags)
        names = tuple(each.name for each in self.step.signature.outputs)
        context = StepContext(self.run, self.node, names, notes, self.tracked)
        with executing(context), context.tracker.open_for_step():
            named = checked_outputs if self.check_outputs else named_outputs
            returned = named(self.node, self.step.signature.outputs, self.step.function(**values))
        del values  # not in memory while the outputs are written
        outputs = tuple(
            self._write(name, value, context.notes_of[name]) for name, value in returned
        )
        return ExecutionResult(outputs, notes.metadata, notes.tags)

    def _inputs(self) -> dict[str, Any]:
        values = {name: self._read(name, artifact) for name, artifact in self.inputs.items()}
        for name, places in self.gathered.items():
            if isinstance(places, dict):
                values[name] = {key: values.pop(place) for key, place in places.items()}
            else:
                values[name] = type(places)(values.pop(place) for place in places)
        return values

    def _read(self, name: str, artifact: Artifact) -> Any:
        hint = self.step.signature.hints.get(name.partition("[")[0], Any)
        return read(artifact, self.store, self.materializers, self.step, hint)

    def _write(self, name: str, value: Any, notes: StepMetadata) -> Artifact:
        try:
            written = write(name, value, self.store, self.materializers)
        except StackfoldError:
            raise
        except BaseException as error:
            if is_interruption(error) or isinstance(error, SystemExit):
                raise
            # Whatever a class of the user's does when it is pickled.
            what = with_article(type(value).__name__)
            problem = f"{what} as {name!r} that cannot be stored: {text_of(error)}"
            raise InvalidOutput(self.node, problem) from error
        if not notes:
            return written
        return written.model_copy(update={"metadata": notes.metadata, "tags": notes.tags})


# -- what a step raised


Raised = TypeVar("Raised", bound=BaseException)


def trimmed(error: Raised) -> Raised:
    """The same error without our frames around the step, so that its traceback is the step's."""
    frames = error.__traceback__
    while frames and _is_ours(frames.tb_frame.f_globals):
        frames = frames.tb_next
    # With no frame left the fault is ours, unless it is a refusal.
    ours = not frames and not isinstance(error, StackfoldError)
    return without_secrets(error if ours else error.with_traceback(frames))


def _is_ours(module: Mapping[str, Any]) -> bool:
    package = str(module.get("__package__") or module.get("__name__")).partition(".")[0]
    # contextlib stands between two of our frames wherever one of our `with` blocks ends.
    return package in {"stackfold", "contextlib"}


def traceback_text(error: BaseException) -> str:
    """The traceback of a trimmed error; of one from elsewhere, the traceback from there."""
    notes = getattr(error, "__notes__", None)
    last = notes[-1] if isinstance(notes, list) and notes else None
    if isinstance(last, str) and last.startswith(_HEADER):
        return redacted(last)
    if isinstance(error, StackfoldError) and not error.__traceback__:
        return one_line(error)
    return _printable("".join(traceback.format_exception(error)).rstrip())


def one_line(error: BaseException) -> str:
    """What was raised, as its class and the first line of its text."""
    text = redacted(text_of(error)).strip().partition("\n")[0]
    if isinstance(error, StackfoldError):
        return _printable(text)
    return _printable(f"{type(error).__name__}: {text}" if text else type(error).__name__)


class Failure(NamedTuple):
    """What was raised, before its way through the orchestrator adds other frames to it."""

    cause: BaseException
    frames: TracebackType | None
    error: str
    """In one line."""
    traceback: str

    @classmethod
    def of(cls, error: BaseException) -> Self:
        """All of it, of an error that was just caught."""
        error = trimmed(error)
        return cls(error, error.__traceback__, one_line(error), traceback_text(error))


def _printable(text: str) -> str:
    # Half a surrogate pair, from some file's name, fits into no record.
    return redacted(text).encode(errors="backslashreplace").decode()
