"""Run: a pipeline on a pinned stack; its steps and its outcome."""

from datetime import datetime
from typing import Literal, Self, Unpack
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from stackfold.domain.errors import NothingToChange, NotResumable, RunEnded
from stackfold.domain.eventsourcing.aggregate import Aggregate
from stackfold.domain.eventsourcing.event import FirstEvent
from stackfold.domain.limits import TAGS, must_be_few
from stackfold.domain.name import LONGEST
from stackfold.domain.pipelines.options import FailureMode
from stackfold.domain.runs.artifact import Artifact
from stackfold.domain.runs.environment import Environment
from stackfold.domain.runs.pin import Pin
from stackfold.domain.runs.step_outcome import StepCancellation, StepFailure, StepLog, StepResult


class StepDefinition(BaseModel):
    """A step of a run's graph, as recorded when the run started."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    name: str
    upstream: tuple[str, ...] = ()
    """The steps that must complete before this one."""
    step_operator: str | None = None
    """The name of the step operator that runs it; None runs it where the orchestrator does."""
    code: str = ""
    """sha256 of what its function is made of, in hexadecimal; empty where that is unknown."""
    outputs: str = ""
    """What it declares to return, such as "model: sklearn.base.ClassifierMixin, loss: float"."""
    materializers: str = ""
    """A digest of the materializers that may write that, with their versions."""
    cache: bool = False
    """Whether an equal earlier execution could stand for this one."""


__all__ = ["Run", "StepDefinition", "StepLog"]

ParameterForm = Literal["plain", "exact"]
"""How values are recorded: "plain" as JSON, of which type hints make values; "exact" as JSON that
keeps their kinds, see `domain.exact_json`."""

Status = Literal["running", "completed", "failed", "cancelled"]


class Run(Aggregate):
    """One execution of a pipeline. Its steps are facts in the log, not state of the aggregate."""

    TOPIC = "run"

    class Event(Aggregate.Event):
        """Something that happened in a run."""

    class Started(Event, FirstEvent):
        """The graph was built and the stack pinned."""

        TOPIC = "run.started"
        originator_topic: Literal["run"]
        name: str
        pipeline: str
        source: str
        """Where the pipeline is: "package.module:function", or "file.py:function"."""
        parameters: dict[str, JsonValue]
        parameter_form: ParameterForm = "plain"
        """How its parameters are written, also those of steps in its configuration."""
        steps: tuple[StepDefinition, ...]
        pin: Pin
        fingerprint: str
        mode: FailureMode = FailureMode.FAIL_FAST
        configuration: dict[str, JsonValue] = Field(default_factory=dict)
        """What was chosen for this run beside its parameters; see `RunConfiguration`."""
        environment: Environment = Field(default_factory=Environment)
        rerun_of: UUID | None = None
        """The run whose pinned configuration and parameters it repeats, if it repeats one."""
        tags: tuple[str, ...] = ()
        metadata: dict[str, JsonValue] = Field(default_factory=dict)
        import_root: str = ""
        """The folder that the source's module is imported from, if that is known."""
        code_form: int = 1
        """How the digests of its steps' code were made; see `domain.pipelines.code.FORM`."""
        opaque: dict[str, tuple[str, ...]] = Field(default_factory=dict)
        """Step → what counts in its code by its class alone, as "name (module.Class)"."""

    class StepCompleted(Event):
        """A step returned and its outputs are in the artifact store, or they were there already."""

        TOPIC = "run.step_completed"
        step: str
        started: datetime
        parameters: dict[str, JsonValue]
        parameter_form: ParameterForm = "plain"
        """How they are written."""
        inputs: dict[str, UUID]
        """Input → the artifact that it was; "models[0]" for the first of those in a list."""
        outputs: tuple[Artifact, ...]
        retried: tuple[str, ...] = ()
        """What the attempts before this one raised, each in one line."""
        log: StepLog | None = None
        """None if it was silent."""
        key: str = ""
        """The cache key: what the outputs depend on; empty where that is unknown."""
        cached_from: UUID | None = None
        """The run that made the outputs; None if this one did."""
        metadata: dict[str, JsonValue] = Field(default_factory=dict)
        tags: tuple[str, ...] = ()
        ended: datetime | None = None
        """When; None if when it was recorded. Events may be recorded later, several at once."""

    class StepFailed(Event):
        """A step raised, in its last attempt."""

        TOPIC = "run.step_failed"
        step: str
        started: datetime
        error: str
        traceback: str
        retried: tuple[str, ...] = ()
        log: StepLog | None = None
        metadata: dict[str, JsonValue] = Field(default_factory=dict)
        tags: tuple[str, ...] = ()
        ended: datetime | None = None
        """When; None if when it was recorded. Events may be recorded later, several at once."""

    class StepCancelled(Event):
        """A step was stopped before it had an outcome of its own."""

        TOPIC = "run.step_cancelled"
        step: str
        started: datetime
        reason: str
        log: StepLog | None = None
        ended: datetime | None = None
        """When; None if when it was recorded. Events may be recorded later, several at once."""

    class StepsSkipped(Event):
        """Some steps are not executed, all for the same reason."""

        TOPIC = "run.steps_skipped"
        steps: tuple[str, ...]
        reason: str

    class Submitted(Event):
        """It was handed to an engine, whose processes record what its steps do."""

        TOPIC = "run.submitted"
        orchestrator: str
        """The name of the component that handed it over."""
        reference: str
        """What the engine calls it."""
        url: str
        """Where somebody can look at it; empty if nowhere."""

        def apply(self, run: "Run") -> None:
            run.submitted = self.reference

    class Completed(Event):
        """Every step completed."""

        TOPIC = "run.completed"

        def apply(self, run: "Run") -> None:
            run.status = "completed"

    class Failed(Event):
        """It ended without completing."""

        TOPIC = "run.failed"
        error: str

        def apply(self, run: "Run") -> None:
            run.status = "failed"

    class Cancelled(Event):
        """Somebody stopped it."""

        TOPIC = "run.cancelled"
        reason: str

        def apply(self, run: "Run") -> None:
            run.status = "cancelled"

    class Resumed(Event):
        """It goes on, after it failed, was cancelled, or its process ended."""

        TOPIC = "run.resumed"
        redone: tuple[str, ...]
        """The steps with an outcome that no longer counts."""

        def apply(self, run: "Run") -> None:
            run.status = "running"
            run.submitted = ""

    class Annotated(Event):
        """Somebody said something about it, while it ran or later."""

        TOPIC = "run.annotated"
        tags: tuple[str, ...]
        """All that it has from now on."""
        metadata: dict[str, JsonValue]
        """All that is known from now on."""

        def apply(self, run: "Run") -> None:
            run.tags = self.tags
            run.metadata = dict(self.metadata)

    class Deleted(Event):
        """It is no longer shown; the log keeps what it did."""

        TOPIC = "run.deleted"

        def apply(self, run: "Run") -> None:
            run.deleted = True

    def __init__(
        self,
        name: str,
        pipeline: str,
        tags: tuple[str, ...] = (),
        metadata: dict[str, JsonValue] | None = None,
    ) -> None:
        super().__init__(name)
        self.pipeline = pipeline
        self.tags = tags
        self.metadata = dict(metadata or {})
        self.status: Status = "running"
        self.submitted = ""
        """What the engine calls it that it was last handed to."""

    @classmethod
    def start(
        cls,
        pipeline: str,
        source: str,
        parameters: dict[str, JsonValue],
        steps: tuple[StepDefinition, ...],
        pin: Pin,
        mode: FailureMode = FailureMode.FAIL_FAST,
        configuration: dict[str, JsonValue] | None = None,
        environment: Environment | None = None,
        rerun_of: UUID | None = None,
        tags: tuple[str, ...] = (),
        metadata: dict[str, JsonValue] | None = None,
        import_root: str = "",
        code_form: int = 1,
        opaque: dict[str, tuple[str, ...]] | None = None,
    ) -> Self:
        """Begin a run of a pipeline on a pinned stack; its name ends as its id begins.

        Args:
            pipeline: The pipeline's name.
            source: Where the pipeline is: "package.module:function", or "file.py:function".
            parameters: The pipeline's parameters, in their exact form.
            steps: The graph, in topological order.
            pin: The exact stack that it uses.
            mode: What becomes of the other steps when one has failed.
            configuration: What was chosen for this run beside its parameters.
            environment: The Python, the machine and the packages that are there.
            rerun_of: The run that it repeats, if it repeats one.
            tags: By which it is found again.
            metadata: What else is known of it.
            import_root: The folder that the source's module is imported from.
            code_form: How the digests of its steps' code were made.
            opaque: Step → what counts in its code by its class alone.
        """
        id = uuid4()
        return cls._create(
            cls.Started,
            id=id,
            name=f"{pipeline[: LONGEST - 9]}-{id.hex[:8]}",
            pipeline=pipeline,
            source=source,
            parameters=parameters,
            parameter_form="exact",
            steps=steps,
            pin=pin,
            fingerprint=pin.fingerprint,
            mode=mode,
            configuration=configuration or {},
            environment=environment or Environment(),
            rerun_of=rerun_of,
            tags=tags,
            metadata=metadata or {},
            import_root=import_root,
            code_form=code_form,
            opaque=opaque or {},
        )

    def step_completed(self, **facts: Unpack[StepResult]) -> None:
        """Record that a step returned, or was found in the cache: what went in, what came out."""
        self.trigger_event(self.StepCompleted, parameter_form="exact", **facts)

    def step_failed(self, **facts: Unpack[StepFailure]) -> None:
        """Record that a step raised."""
        self.trigger_event(self.StepFailed, **facts)

    def step_cancelled(self, **facts: Unpack[StepCancellation]) -> None:
        """Record that a running step was stopped."""
        self.trigger_event(self.StepCancelled, **facts)

    def steps_skipped(self, steps: tuple[str, ...], reason: str) -> None:
        """Record that steps are not executed; nothing if there are none."""
        if steps:
            self.trigger_event(self.StepsSkipped, steps=steps, reason=reason)

    def submit(self, orchestrator: str, reference: str, url: str = "") -> None:
        """Record that it was handed to an engine."""
        self.trigger_event(self.Submitted, orchestrator=orchestrator, reference=reference, url=url)

    def must_run(self) -> None:
        """Refuse what only a run that goes on takes; for those who record from elsewhere.

        Raises:
            RunEnded: It has ended.
            NotFound: It was deleted.
        """
        self.must_exist()
        if self.status != "running":
            raise RunEnded(self.name, self.status)

    def complete(self) -> None:
        """Record that every step completed."""
        self.trigger_event(self.Completed)

    def fail(self, error: str) -> None:
        """Record that the run ended without completing."""
        self.trigger_event(self.Failed, error=error)

    def cancel(self, reason: str) -> None:
        """Record that somebody stopped it."""
        self.trigger_event(self.Cancelled, reason=reason)

    def resume(self, redone: tuple[str, ...]) -> None:
        """Go on with what is missing; only whoever holds the run's claim may ask for it.

        Args:
            redone: The steps with an outcome that no longer counts.

        Raises:
            NotResumable: It has completed.
        """
        self.must_exist()
        if self.status == "completed":
            raise NotResumable(self.name, "has completed: there is nothing left to do")
        self.trigger_event(self.Resumed, redone=redone)

    def annotate(self, tags: dict[str, bool], metadata: dict[str, JsonValue]) -> None:
        """Say something about it.

        Args:
            tags: Tag → whether it is added; else it is removed.
            metadata: What is added.

        Raises:
            NothingToChange: All of it is known.
            NotFound: It was deleted.
            TooLarge: It would have too many tags.
        """
        self.must_exist()
        kept = (tag for tag in self.tags if tags.get(tag, True))
        after = tuple(dict.fromkeys((*kept, *(tag for tag, add in tags.items() if add))))
        must_be_few("tags", len(after), max(TAGS, len(self.tags)))
        known = {**self.metadata, **metadata}
        if (after, known) == (self.tags, self.metadata):
            raise NothingToChange("run", self.name, self.version)
        self.trigger_event(self.Annotated, tags=after, metadata=known)

    def delete(self) -> None:
        """Be gone; only for one that has ended, or whose process has.

        Raises:
            NotFound: It was deleted already.
        """
        self.must_exist()
        self.trigger_event(self.Deleted)
