"""RunLink: reaches the log of a run from its steps, in this process or in another."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from pydantic import JsonValue

from stackfold.application.artifacts.artifact_views import ArtifactView, NamedArtifact
from stackfold.application.ports import ArtifactStore
from stackfold.application.runs.linked_version import LinkedVersion
from stackfold.domain.errors import LogUnavailable
from stackfold.domain.pipelines.declared_model import Model
from stackfold.domain.runs.pin import Pin, PinnedComponent
from stackfold.domain.runs.run import Run

Command = Callable[[Run], None]


class Recorded(NamedTuple):
    """A recorded artifact, and the component of the store that contains it."""

    view: ArtifactView
    store: PinnedComponent


class Taking(NamedTuple):
    """Which artifacts a step may take."""

    stack: str
    """The name of the stack of its run."""
    stack_id: UUID
    from_stack: str | None
    """The name of another stack from which it may take them; None for none."""


class RunLog(Protocol):
    """The log of a run; in another process it is opened again when it is first needed.

    All methods raise LogUnavailable where the log cannot be reached.
    """

    def record(self, run: str, command: Command) -> None:
        """Execute a command on a run that has not ended, and save it."""
        ...

    def recorded(self, run: str, reference: str, taking: Taking) -> Recorded:
        """Return an artifact.

        Args:
            run: The run that asks.
            reference: The artifact.
            taking: Which artifacts of other runs it may take.

        Raises:
            NotFound: It does not exist.
            Ambiguous: The reference means several artifacts.
            FromAnotherStack: It was made on another stack, and is not promoted.
        """
        ...

    def last_saved(self, run: str, step: str) -> Mapping[str, Recorded]:
        """Return the artifacts that a step of a run saved last, by name."""
        ...

    def named(self, run: str, id: str) -> NamedArtifact:
        """Return the name and version of an artifact; raises NotFound."""
        ...

    def model_version(self, run: str, id: str) -> str | None:
        """Return the version of a model, as "fraud@3", whose run made an artifact, if any."""
        ...

    def store(self, component: PinnedComponent) -> ArtifactStore:
        """Build the artifact store of a component."""
        ...

    def use_model(self, run: str, step: str, declared: Model, pin: Pin) -> LinkedVersion:
        """Return the version of a run, which a step makes or continues if it has none yet.

        Args:
            run: The run.
            step: The step that asks.
            declared: The model.
            pin: The stack of the run.

        Raises:
            Conflict: The run makes or continues another version.
            NotFound: The version to continue does not exist.
            NameTaken: An artifact has the name of the model, or another version has the label.
        """
        ...

    def log_on_model(self, run: str, version: str, metadata: dict[str, JsonValue]) -> None:
        """Add metadata to the version of a model with an id."""
        ...


class RunLink:
    """The log as one step of a run reaches it.

    Attributes:
        log: The log.
        again: Whether the step may have saved artifacts before it begins, in an earlier attempt.
    """

    def __init__(
        self,
        log: RunLog,
        run: str,
        step: str,
        record: Callable[[Command], None] | None = None,
        again: bool = False,
        before: Mapping[str, Recorded] = MappingProxyType({}),
    ) -> None:
        """Create the link of a step.

        Args:
            log: The log.
            run: The run's id.
            step: The step's name in the run.
            record: Records a command in the process of the run; None in another process.
            again: Whether the step may have saved artifacts before.
            before: Name → what it saved last before it was sent to another process.
        """
        self.log = log
        self._run = run
        self._step = step
        self._record = record
        self.again = again
        self._before = before

    def __reduce__(self) -> tuple[Any, ...]:
        # The log may be out of reach from the other process.
        before = dict(self.log.last_saved(self._run, self._step)) if self.again else {}
        return RunLink, (self.log, self._run, self._step, None, self.again, before)

    def record(self, command: Command) -> None:
        """Execute a command on the run, and save it."""
        if self._record:
            self._record(command)
        else:
            self.log.record(self._run, command)

    def recorded(self, reference: str, taking: Taking) -> Recorded:
        """Return an artifact; raises as `RunLog.recorded`."""
        return self.log.recorded(self._run, reference, taking)

    def last_saved(self, name: str) -> Recorded | None:
        """Return the artifact that the step saved last under a name, if any."""
        try:
            return self.log.last_saved(self._run, self._step).get(name)
        except LogUnavailable:
            return self._before.get(name)

    def named(self, id: str) -> NamedArtifact:
        """Return the name and version of an artifact."""
        return self.log.named(self._run, id)

    def model_version(self, id: str) -> str | None:
        """Return the version of a model whose run made an artifact, if any."""
        return self.log.model_version(self._run, id)

    def store(self, component: PinnedComponent) -> ArtifactStore:
        """Build the artifact store of a component."""
        return self.log.store(component)

    def use_model(self, declared: Model, pin: Pin) -> LinkedVersion:
        """Return the version of the run, made if it has none; raises as `RunLog.use_model`."""
        return self.log.use_model(self._run, self._step, declared, pin)

    def log_on_model(self, version: str, metadata: dict[str, JsonValue]) -> None:
        """Add metadata to the version of a model with an id."""
        self.log.log_on_model(self._run, version, metadata)
