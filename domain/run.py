"""Run: a pipeline on a pinned stack; its steps and its outcome."""

from datetime import datetime
from typing import Literal, Self
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict, JsonValue

from stackfold.domain.artifact import Artifact
from stackfold.domain.events import Aggregate, FirstEvent
from stackfold.domain.name import LONGEST
from stackfold.domain.pin import Pin


class StepDefinition(BaseModel):
    """A step of a run's graph, as recorded when the run started."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    name: str
    upstream: tuple[str, ...] = ()
    """The steps that must complete before this one."""
    step_operator: str | None = None
    """The name of the step operator that runs it; None runs it where the orchestrator does."""


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
        parameters: dict[str, JsonValue]
        steps: tuple[StepDefinition, ...]
        pin: Pin
        fingerprint: str

    class StepCompleted(Event):
        """A step returned and its outputs are in the artifact store."""

        TOPIC = "run.step_completed"
        step: str
        started: datetime
        parameters: dict[str, JsonValue]
        inputs: dict[str, UUID]
        outputs: tuple[Artifact, ...]

    class StepFailed(Event):
        """A step raised."""

        TOPIC = "run.step_failed"
        step: str
        started: datetime
        error: str
        traceback: str

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

    def __init__(self, name: str, pipeline: str) -> None:
        super().__init__(name)
        self.pipeline = pipeline
        self.status: Literal["running", "completed", "failed"] = "running"

    @classmethod
    def start(
        cls,
        pipeline: str,
        source: str,
        parameters: dict[str, JsonValue],
        steps: tuple[StepDefinition, ...],
        pin: Pin,
    ) -> Self:
        """Begin a run of a pipeline on a pinned stack; its name ends as its id begins.

        Args:
            pipeline: The pipeline's name.
            source: Where the pipeline is, as "file.py:function".
            parameters: The pipeline's parameters.
            steps: The graph, in topological order.
            pin: The exact stack that it uses.
        """
        id = uuid4()
        return cls._create(
            cls.Started,
            id=id,
            name=f"{pipeline[: LONGEST - 9]}-{id.hex[:8]}",
            pipeline=pipeline,
            source=source,
            parameters=parameters,
            steps=steps,
            pin=pin,
            fingerprint=pin.fingerprint,
        )

    def step_completed(
        self,
        step: str,
        started: datetime,
        parameters: dict[str, JsonValue],
        inputs: dict[str, UUID],
        outputs: tuple[Artifact, ...],
    ) -> None:
        """Record that a step returned: what went in and what came out."""
        self.trigger_event(
            self.StepCompleted,
            step=step,
            started=started,
            parameters=parameters,
            inputs=inputs,
            outputs=outputs,
        )

    def step_failed(self, step: str, started: datetime, error: str, traceback: str) -> None:
        """Record that a step raised `error`."""
        self.trigger_event(
            self.StepFailed, step=step, started=started, error=error, traceback=traceback
        )

    def complete(self) -> None:
        """Record that every step completed."""
        self.trigger_event(self.Completed)

    def fail(self, error: str) -> None:
        """Record that the run ended without completing."""
        self.trigger_event(self.Failed, error=error)
