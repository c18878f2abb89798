"""StepContext: gives a running step access to its run, and to its own record."""

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
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
    """The facts about a run that its steps can read."""

    id: str
    name: str
    pipeline: str
    pin: Pin
    started: datetime | None = None
    """When the run started; None if unknown."""


@dataclass
class StepMetadata:
    """What a step adds to the record of itself or of one of its outputs."""

    metadata: dict[str, JsonValue] = field(default_factory=dict)
    tags: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.metadata or self.tags)


class StepContext:
    """The step that is being executed; may be shared with threads that it starts.

    Attributes:
        run: The run's id.
        run_name: The run's name.
        pipeline: The pipeline's name.
        step: The step's name in the run.
        pin: The exact stack that the run uses: its revision and its components.
        tracker: Records to the experiment tracker of the stack.
    """

    def __init__(
        self,
        run: RunFacts,
        step: str,
        outputs: Mapping[str, StepMetadata] | tuple[str, ...],
        metadata: StepMetadata | None = None,
        tracked: Tracked | None = None,
    ) -> None:
        """Create the context; a step gets it from `get_context`.

        Args:
            run: The run.
            step: The step's name in the run.
            outputs: The names of its outputs, or output → metadata and tags that it declares.
            metadata: Metadata and tags from the step's options.
            tracked: Its experiment tracker.
        """
        self.run, self.run_name, self.pipeline, self.pin = run[:4]
        self.step = step
        self.metadata = StepMetadata() if metadata is None else metadata
        """To be recorded with the step."""
        self.output_metadata = (
            dict(outputs)
            if isinstance(outputs, Mapping)
            else {name: StepMetadata() for name in outputs}
        )
        """Output → to be recorded with it."""
        self._lock = threading.Lock()
        self.tracker = StepTracker(tracked, step, self.log_metadata, self._left_out)

    @property
    def artifact_store(self) -> PinnedComponent:
        """The artifact store of the outputs: its name, flavor and resolved configuration."""
        (store, *_) = self.pin.components[ComponentType.ARTIFACT_STORE]
        return store

    def log_metadata(self, metadata: Mapping[str, Any], output: str | None = None) -> None:
        """Add metadata to the step, or to one of its outputs; the last value of a name counts.

        The record is permanent. Values of secrets that were read are replaced in it. What cannot
        be recorded is omitted, with a warning of the logger `stackfold.metadata`.

        Args:
            metadata: Name → value; see `domain.runs.metadata.valid_metadata`.
            output: The output's name; None for the step.
        """
        target = self._metadata_of(output)
        valid, problems = recordable_part(metadata)
        for problem in problems:
            self._left_out(f"metadata {problem}")
        with self._lock:
            target.metadata |= redacted_value(valid)

    def add_tags(self, *tags: str, output: str | None = None) -> None:
        """Add tags, by which runs and artifacts can be found.

        An invalid tag is omitted with a warning, as by `log_metadata`.

        Args:
            *tags: Such as "nightly" or "team:vision".
            output: The output's name; None for the step.
        """
        target = self._metadata_of(output)
        valid = []
        for tag in tags:
            try:
                valid.append(valid_tag(str(tag)))
            except InvalidTag as error:
                self._left_out(f"a tag: {error}")
        with self._lock:
            target.tags = tuple(dict.fromkeys((*target.tags, *valid)))

    def _metadata_of(self, output: str | None) -> StepMetadata:
        if output is None:
            return self.metadata
        if output not in self.output_metadata:
            outputs = ", ".join(self.output_metadata) or "nothing"
            self._left_out(f"metadata of an output {output!r}: it returns {outputs}")
            return StepMetadata()
        return self.output_metadata[output]

    def _left_out(self, what: str) -> None:
        line = " ".join(redacted(f"step {self.step!r} goes on without {what}").split())
        logging.getLogger("stackfold.metadata").warning("%s", line)


_METADATA = "stackfold_metadata"
_current: ContextVar[StepContext | None] = ContextVar("step_context", default=None)


def get_context() -> StepContext:
    """Return the context of the step that is being executed in this thread.

    Raises:
        NotInStep: No step is executed here. Pass the context to threads that a step starts.
    """
    context = _current.get()
    if context is None:
        raise NotInStep()
    return context


@contextmanager
def executing(context: StepContext) -> Iterator[None]:
    """Make `context` the current one in the block."""
    token = _current.set(context)
    try:
        yield
    except BaseException as error:
        # The metadata travels with the error, from another process too.
        with suppress(Exception):  # of a class that takes no attributes
            vars(error)[_METADATA] = context.metadata
        raise
    finally:
        _current.reset(token)


def metadata_on(error: BaseException) -> StepMetadata | None:
    """Return the metadata that a step had added when it raised; None if it had not begun."""
    metadata = getattr(error, "__dict__", {}).get(_METADATA)
    return metadata if isinstance(metadata, StepMetadata) else None
