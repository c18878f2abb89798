"""Context: what a step can ask about its run while it is executed, and add to its record."""

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pydantic import JsonValue

from stackfold.application.runs.step_tracker import StepTracker, Tracked
from stackfold.application.secrets.redaction import redacted, redacted_value
from stackfold.domain.errors import InvalidTag, NotInStep
from stackfold.domain.runs.metadata import recordable_part
from stackfold.domain.runs.pin import Pin, PinnedComponent
from stackfold.domain.runs.tags import valid_tag
from stackfold.domain.stacks.component_type import ComponentType


class RunFacts(NamedTuple):
    """What the steps of a run may know of it."""

    id: str
    name: str
    pipeline: str
    pin: Pin


@dataclass
class StepMetadata:
    """What a step adds to the record of itself or of one of its outputs."""

    metadata: dict[str, JsonValue] = field(default_factory=dict)
    tags: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.metadata or self.tags)


class StepContext:
    """The step that is being executed; threads that it starts may share it.

    Attributes:
        run: The run's id.
        run_name: The run's name.
        pipeline: The pipeline's name.
        step: What the step is called in the run.
        pin: The exact stack that the run uses: its revision and its components.
        tracker: The way to the tool that tracks the experiment, whatever it is.
    """

    def __init__(
        self,
        run: RunFacts,
        step: str,
        outputs: tuple[str, ...],
        notes: StepMetadata | None = None,
        tracked: Tracked | None = None,
    ) -> None:
        """A step gets it by `get_context`.

        Args:
            run: The run.
            step: What the step is called in it.
            outputs: The names of its outputs.
            notes: What is known before it begins.
            tracked: What tracks it.
        """
        self.run, self.run_name, self.pipeline, self.pin = run
        self.step = step
        self.notes = StepMetadata() if notes is None else notes
        """What the record of the step will hold."""
        self.notes_of = {name: StepMetadata() for name in outputs}
        """Output → what its record will hold."""
        self._turn = threading.Lock()
        self.tracker = StepTracker(tracked, step, self.log_metadata, self._left_out)

    @property
    def artifact_store(self) -> PinnedComponent:
        """Where the outputs go: its name, flavor and resolved configuration."""
        (store, *_) = self.pin.components[ComponentType.ARTIFACT_STORE]
        return store

    def log_metadata(self, metadata: Mapping[str, Any], output: str | None = None) -> None:
        """Add to what is recorded of the step, or of one of its outputs; the last value counts.

        The record is for ever. The values of secrets that were looked up are left out of it. What
        cannot be recorded is left out too, with a warning of the logger `stackfold.metadata`: no
        step fails for it.

        Args:
            metadata: Values by name; see `domain.runs.metadata.valid_metadata`.
            output: The output's name; None for the step.
        """
        notes = self._metadata_of(output)
        valid, problems = recordable_part(metadata)
        for problem in problems:
            self._left_out(f"metadata {problem}")
        with self._turn:
            notes.metadata |= redacted_value(valid)

    def add_tags(self, *tags: str, output: str | None = None) -> None:
        """Add tags, by which runs and artifacts are found again.

        One that breaks the rule for tags is left out, as by `log_metadata`.

        Args:
            *tags: Such as "nightly" or "team:vision".
            output: The output that they are for; None for the step.
        """
        notes = self._metadata_of(output)
        valid = []
        for tag in tags:
            try:
                valid.append(valid_tag(str(tag)))
            except InvalidTag as error:
                self._left_out(f"a tag: {error}")
        with self._turn:
            notes.tags = tuple(dict.fromkeys((*notes.tags, *valid)))

    def _metadata_of(self, output: str | None) -> StepMetadata:
        if output is None:
            return self.notes
        if output not in self.notes_of:
            outputs = ", ".join(self.notes_of) or "nothing"
            self._left_out(f"what is noted of an output {output!r}: it returns {outputs}")
            return StepMetadata()
        return self.notes_of[output]

    def _left_out(self, what: str) -> None:
        line = " ".join(redacted(f"step {self.step!r} goes on without {what}").split())
        logging.getLogger("stackfold.metadata").warning("%s", line)


_NOTES = "stackfold_notes"
_current: ContextVar[StepContext | None] = ContextVar("step_context", default=None)


def get_context() -> StepContext:
    """The context of the step that is being executed here.

    Raises:
        NotInStep: None is; a thread that a step starts itself must be handed the context.
    """
    context = _current.get()
    if context is None:
        raise NotInStep()
    return context


@contextmanager
def executing(context: StepContext) -> Iterator[None]:
    """In the block, that is the step that is being executed."""
    token = _current.set(context)
    try:
        yield
    except BaseException as error:
        # What it said until then comes along, from another process too.
        with suppress(Exception):  # of a class that takes no attributes
            vars(error)[_NOTES] = context.notes
        raise
    finally:
        _current.reset(token)


def notes_on(error: BaseException) -> StepMetadata | None:
    """What a step had said of itself when it raised; None if it never got so far."""
    notes = getattr(error, "__dict__", {}).get(_NOTES)
    return notes if isinstance(notes, StepMetadata) else None
