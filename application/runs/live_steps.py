"""Live steps: the steps that are running now and their text so far, kept beside the log."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, NamedTuple, Protocol

from stackfold.application.runs.run_views import RunDescription, StepView

if TYPE_CHECKING:
    from stackfold.application.runs.running_steps import RunningSteps

MOST_TEXT = 2**16
"""Number of characters of a step's text that are kept, the last ones."""
DAYS_LEFT = 7
"""How long the text of a step is left whose process was killed."""
PROOF_OF_LIFE = 20.0
"""Seconds after which a process that executes steps at the latest shows them again."""


class LiveStep(NamedTuple):
    """A step that is running now."""

    step: str
    started: str
    """RFC 3339, UTC."""
    begin: int = 0
    """The number of characters of its output before `text`."""
    text: str = ""
    """The last characters that it has printed and logged."""

    @property
    def end(self) -> int:
        """The number of characters that it has printed and logged."""
        return self.begin + len(self.text)


class LiveSteps(Protocol):
    """The running steps of the runs of a log."""

    def of(self, run: str, submitted: bool) -> Mapping[str, LiveStep]:
        """Return the running steps of a run that has not ended.

        Args:
            run: The id of the run.
            submitted: Whether an engine executes it, so that no claim proves that steps are
                running: those not shown for three times `PROOF_OF_LIFE` are left out.
        """
        ...

    def showing(self, run: str, running: "RunningSteps") -> AbstractContextManager[None]:
        """Show the running steps of a run to everybody while a block is executed.

        Whatever fails meanwhile, such as a full disk, affects no step.

        Args:
            run: The id of the run.
            running: Its running steps.
        """
        ...

    def clear(self, run: str) -> None:
        """Remove what a process that was killed has left of a run, as far as possible."""
        ...


def with_running(run: RunDescription, live: LiveSteps) -> RunDescription:
    """Return the description of a run in which the steps that are running now are "running"."""
    running = live_steps_of(run, live)
    return run._replace(steps=[_shown(step, running) for step in run.steps]) if running else run


def live_steps_of(run: RunDescription, live: LiveSteps) -> Mapping[str, LiveStep]:
    """Return the steps of a run that are running now, by name."""
    if run.status != "running":
        return {}
    running = live.of(run.id, submitted=run.submitted is not None)
    # What is recorded counts: the end of a step is recorded before it is removed here.
    return {
        step.name: running[step.name]
        for step in run.steps
        if step.status == "pending" and step.name in running
    }


def last_texts(run: RunDescription, live: LiveSteps) -> Mapping[str, LiveStep]:
    """Return the steps that are running, or were when the process of the run was killed."""
    if run.status == "interrupted":
        left = live.of(run.id, submitted=False)
        pending = {step.name for step in run.steps if step.status == "pending"}
        return {name: each for name, each in left.items() if name in pending}
    return live_steps_of(run, live)


def _shown(step: StepView, running: Mapping[str, LiveStep]) -> StepView:
    if step.name not in running:
        return step
    return step._replace(status="running", started=running[step.name].started)
