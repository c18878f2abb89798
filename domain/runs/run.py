"""Run: one execution of a pipeline on a pinned stack."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, Self, Unpack
from uuid import UUID

from pydantic import Field, JsonValue

from stackfold.domain.errors import NotResumable, RunEnded
from stackfold.domain.eventsourcing.event import FirstEvent
from stackfold.domain.name import LONGEST
from stackfold.domain.runs.annotated_run import AnnotatedRun, Annotation, LaterAnnotation
from stackfold.domain.runs.artifact import Artifact, OwnName
from stackfold.domain.runs.environment import Environment
from stackfold.domain.runs.failure_mode import FailureMode
from stackfold.domain.runs.pin import Pin, PinnedArtifact
from stackfold.domain.runs.returned import Returned
from stackfold.domain.runs.start_facts import Occurrence, ParameterForm, StartFacts, new_id
from stackfold.domain.runs.step_definition import StepDefinition
from stackfold.domain.runs.step_outcome import StepCancellation, StepFailure, StepLog, StepResult

__all__ = ["Run", "StepDefinition", "StepLog"]

Status = Literal["running", "completed", "failed", "cancelled"]


class Run(AnnotatedRun):
    """One execution of a pipeline. Its steps are recorded as events, and are not state of it.

    Only their tags and metadata are, as these can be changed later.
    """

    TOPIC = "run"

    class Event(AnnotatedRun.Event):
        """The base of the events of a run."""

    class Started(Event, FirstEvent):
        """The graph was built, and the stack was pinned."""

        TOPIC = "run.started"
        LATER_FIELDS = frozenset({"model_version", "references", "returns", "occurrence"})
        originator_topic: Literal["run"]
        name: str
        pipeline: str
        source: str
        """The location of the pipeline: "package.module:function" or "file.py:function"."""
        parameters: dict[str, JsonValue]
        parameter_form: ParameterForm = "plain"
        """The format of parameters, including those of steps in its configuration."""
        steps: tuple[StepDefinition, ...]
        pin: Pin
        fingerprint: str
        mode: FailureMode = FailureMode.FAIL_FAST
        configuration: dict[str, JsonValue] = Field(default_factory=dict)
        """The configuration of the run, without its parameters; see `RunConfiguration`."""
        environment: Environment = Field(default_factory=Environment)
        rerun_of: UUID | None = None
        """The run whose pin and parameters it repeats; None if it is not a rerun."""
        tags: tuple[str, ...] = ()
        metadata: dict[str, JsonValue] = Field(default_factory=dict)
        import_root: str = ""
        """The folder that the module in `source` is imported from; empty if unknown."""
        code_form: int = 1
        """The version of the fingerprints of code; see `domain.pipelines.code.FORM`."""
        opaque: dict[str, tuple[str, ...]] = Field(default_factory=dict)
        """Step → values in its code that only their class represents, as "name (module.Class)"."""
        model_version: UUID | None = None
        """The version of a model that the run makes; None if it makes none."""
        references: dict[str, PinnedArtifact] = Field(default_factory=dict)
        """Reference of an artifact that steps take → the artifact that it was when it started."""
        returns: Returned | None = None
        """The outputs that the pipeline function returned; None for none."""
        occurrence: Occurrence | None = None
        """What a schedule started it for; None if no schedule did."""

    class StepCompleted(Event):
        """A step returned and its outputs were stored, or they were found in the cache."""

        TOPIC = "run.step_completed"
        LATER_FIELDS = frozenset({"names", "model"})
        step: str
        started: datetime
        parameters: dict[str, JsonValue]
        parameter_form: ParameterForm = "plain"
        inputs: dict[str, UUID]
        """Input → artifact; "models[0]" for the first artifact in a list."""
        outputs: tuple[Artifact, ...]
        retried: tuple[str, ...] = ()
        """The errors of earlier attempts, one line each."""
        log: StepLog | None = None
        """None if it wrote nothing."""
        key: str = ""
        """The cache key of the outputs; empty if unknown."""
        cached_from: UUID | None = None
        """The run that produced the outputs; None if this run did."""
        metadata: dict[str, JsonValue] = Field(default_factory=dict)
        tags: tuple[str, ...] = ()
        ended: datetime | None = None
        """None if it ended when the event was recorded; events may be recorded later in a batch."""
        names: dict[str, OwnName] = Field(default_factory=dict)
        """Output → the name that its artifact has across pipelines, if it has one."""
        model: dict[str, JsonValue] = Field(default_factory=dict)
        """The model that it asked for a version of, as `Model` declares it; empty for none."""

        def apply(self, aggregate: "Run") -> None:
            aggregate.recorded[self.step] = Annotation(self.tags, dict(self.metadata))

    class ArtifactSaved(Event):
        """A running step saved an artifact, besides its outputs."""

        TOPIC = "run.artifact_saved"
        step: str
        artifact: Artifact
        own: OwnName

    class ArtifactsLinked(Event):
        """A step that ended used artifacts of others, or has saved ones from the cache."""

        TOPIC = "run.artifacts_linked"
        step: str
        used: dict[str, UUID] = Field(default_factory=dict)
        """Reference → the artifact that it was; loaded by the step, or declared by `uses`."""
        saved: tuple[UUID, ...] = ()
        """The artifacts that the execution in the cache had saved."""

    class ModelLinked(Event):
        """A step made or continued a version of a model, as the pipeline had not declared one."""

        TOPIC = "run.model_linked"
        step: str
        model_version: UUID

        def apply(self, aggregate: "Run") -> None:
            aggregate.model_version = self.model_version

    class StepFailed(Event):
        """A step raised in its last attempt."""

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
        """None if it ended when the event was recorded; events may be recorded later in a batch."""

        def apply(self, aggregate: "Run") -> None:
            aggregate.recorded[self.step] = Annotation(self.tags, dict(self.metadata))

    class StepCancelled(Event):
        """A step was stopped before it ended."""

        TOPIC = "run.step_cancelled"
        step: str
        started: datetime
        reason: str
        log: StepLog | None = None
        ended: datetime | None = None
        """None if it ended when the event was recorded; events may be recorded later in a batch."""

    class StepsSkipped(Event):
        """Steps will not be executed, all for the same reason."""

        TOPIC = "run.steps_skipped"
        steps: tuple[str, ...]
        reason: str

    class Submitted(Event):
        """The run was submitted to an engine, whose processes record the outcomes of its steps."""

        TOPIC = "run.submitted"
        orchestrator: str
        """The name of the component that submitted it."""
        reference: str
        """The id of the run in the engine."""
        url: str
        """The address of the run in the engine's user interface; empty if it has none."""

        def apply(self, aggregate: "Run") -> None:
            aggregate.submitted = self.reference

    class Completed(Event):
        """All steps completed."""

        TOPIC = "run.completed"

        def apply(self, aggregate: "Run") -> None:
            aggregate.status = "completed"

    class Failed(Event):
        """The run ended because a step failed."""

        TOPIC = "run.failed"
        error: str

        def apply(self, aggregate: "Run") -> None:
            aggregate.status = "failed"

    class Cancelled(Event):
        """The run was stopped."""

        TOPIC = "run.cancelled"
        reason: str

        def apply(self, aggregate: "Run") -> None:
            aggregate.status = "cancelled"

    class Resumed(Event):
        """The run continues, after it failed, was cancelled, or its process ended."""

        TOPIC = "run.resumed"
        redone: tuple[str, ...]
        """The steps whose recorded outcome is discarded."""

        def apply(self, aggregate: "Run") -> None:
            aggregate.status = "running"
            aggregate.submitted = ""
            for step in self.redone:
                aggregate.recorded.pop(step, None)

    class Deleted(Event):
        """The run is no longer listed; its events remain in the log."""

        TOPIC = "run.deleted"

        def apply(self, aggregate: "Run") -> None:
            aggregate.deleted = True

    def __init__(
        self,
        name: str,
        pipeline: str,
        tags: tuple[str, ...] = (),
        metadata: dict[str, JsonValue] | None = None,
        model_version: UUID | None = None,
        steps: tuple[StepDefinition, ...] = (),
    ) -> None:
        super().__init__(name)
        self.pipeline = pipeline
        self.model_version = model_version
        self.tags = tags
        self.metadata = dict(metadata or {})
        self.steps = steps
        self.recorded: dict[str, Annotation] = {}
        """Step → the tags and the metadata that it has recorded; none until it ends."""
        self.later: dict[str, LaterAnnotation] = {}
        """Step → what was changed of them later."""
        self.status: Status = "running"
        self.submitted = ""
        """The id of the run in the engine that it was last submitted to; empty if none."""

    @classmethod
    def start(
        cls,
        pipeline: str,
        source: str,
        parameters: dict[str, JsonValue],
        steps: tuple[StepDefinition, ...],
        pin: Pin,
        **facts: Unpack[StartFacts],
    ) -> Self:
        """Start a run of a pipeline on a pinned stack; its name ends with the start of its id.

        Args:
            pipeline: The name of the pipeline.
            source: Its location: "package.module:function" or "file.py:function".
            parameters: The parameters of the pipeline, as exact JSON.
            steps: The steps, in topological order.
            pin: The stack that the run uses.
            **facts: See `StartFacts`.
        """
        id = new_id(facts)
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
            **facts,
        )

    def step_completed(self, **facts: Unpack[StepResult]) -> None:
        """Record a step that returned, or was found in the cache; see `StepResult`."""
        self.trigger_event(self.StepCompleted, parameter_form="exact", **facts)
        self._annotate_again(facts["step"])

    def artifact_saved(self, step: str, artifact: Artifact, own: OwnName) -> None:
        """Record an artifact that a running step saved; see `ArtifactSaved`."""
        self.trigger_event(self.ArtifactSaved, step=step, artifact=artifact, own=own)

    def artifacts_linked(
        self, step: str, used: Mapping[str, UUID], saved: tuple[UUID, ...] = ()
    ) -> None:
        """Record what a step used or has from the cache, if anything; see `ArtifactsLinked`."""
        if used or saved:
            self.trigger_event(self.ArtifactsLinked, step=step, used=dict(used), saved=saved)

    def model_linked(self, step: str, model_version: UUID) -> None:
        """Record the version of a model that a step made or continued; see `ModelLinked`."""
        self.trigger_event(self.ModelLinked, step=step, model_version=model_version)

    def step_failed(self, **facts: Unpack[StepFailure]) -> None:
        """Record that a step raised in its last attempt; see `StepFailure`."""
        self.trigger_event(self.StepFailed, **facts)
        self._annotate_again(facts["step"])

    def step_cancelled(self, **facts: Unpack[StepCancellation]) -> None:
        """Record that a running step was stopped; see `StepCancellation`."""
        self.trigger_event(self.StepCancelled, **facts)

    def steps_skipped(self, steps: tuple[str, ...], reason: str) -> None:
        """Record steps that will not be executed, if there are any; see `StepsSkipped`."""
        if steps:
            self.trigger_event(self.StepsSkipped, steps=steps, reason=reason)

    def submit(self, orchestrator: str, reference: str, url: str = "") -> None:
        """Record that the run was submitted to an engine; see `Submitted`."""
        self.trigger_event(self.Submitted, orchestrator=orchestrator, reference=reference, url=url)

    def must_run(self) -> None:
        """Require that the run has not ended; for processes that record outcomes remotely.

        Raises:
            RunEnded: The run has ended.
            NotFound: The run was deleted.
        """
        self.must_exist()
        if self.status != "running":
            raise RunEnded(self.name, self.status)

    def complete(self) -> None:
        """Record that all steps completed."""
        self.trigger_event(self.Completed)

    def fail(self, error: str) -> None:
        """Record that the run failed.

        Args:
            error: Why, in one line.
        """
        self.trigger_event(self.Failed, error=error)

    def cancel(self, reason: str) -> None:
        """Record that the run was stopped.

        Args:
            reason: Why, in one line.
        """
        self.trigger_event(self.Cancelled, reason=reason)

    def resume(self, redone: tuple[str, ...]) -> None:
        """Continue with the missing steps; the caller must hold the claim of the run.

        Args:
            redone: The steps whose recorded outcome is discarded.

        Raises:
            NotResumable: The run has completed.
            NotFound: The run was deleted.
        """
        self.must_exist()
        if self.status == "completed":
            raise NotResumable(self.name, "has completed: there is nothing left to do")
        self.trigger_event(self.Resumed, redone=redone)
        for step in redone:
            self._annotate_again(step)

    def delete(self) -> None:
        """Delete the run. That it has ended, or its process has, is checked by the caller.

        Raises:
            NotFound: The run was deleted already.
        """
        self.must_exist()
        self.trigger_event(self.Deleted)
