"""Reports the progress of a run to its listener, which cannot break it, and to `logging`."""

import logging
from collections.abc import Callable, Sequence
from time import monotonic

from stackfold.application.log_records import RUNS, emit
from stackfold.application.runs.progress import ProgressListener, StepEnd


class RunReports:
    """Forwards progress events to the listener of a run, and logs them."""

    def __init__(self, listener: ProgressListener, pipeline: str) -> None:
        """Create the reports of one run.

        Args:
            listener: The listener that the caller gave.
            pipeline: The name of the pipeline.
        """
        self._listener = listener
        self._pipeline = pipeline
        self._run = ""
        self._began = monotonic()

    def run_started(self, run: str, steps: Sequence[str], completed: Sequence[str]) -> None:
        self._run, self._began = run, monotonic()
        self._log(f"run {run} started", "running", steps=len(steps), completed=len(completed))
        self._notify(self._listener.run_started, run, steps, completed)

    def step_started(self, step: str) -> None:
        self._log(f"step {step} started", "running", step=step)
        self._notify(self._listener.step_started, step)

    def step_retried(self, step: str, attempt: int, reason: str, delay: float) -> None:
        text = f"step {step} is retried: {reason}"
        self._log(text, "retried", step=step, attempt=attempt, reason=reason, delay=delay)
        self._notify(self._listener.step_retried, step, attempt, reason, delay)

    def step_ended(self, end: StepEnd) -> None:
        text = f"step {end.step} {end.status}" + (f": {end.reason}" if end.reason else "")
        seconds = round(end.seconds, 3)
        self._log(text, end.status, step=end.step, seconds=seconds, reason=end.reason or None)
        self._notify(self._listener.step_ended, end)

    def run_ended(self, status: str) -> None:
        seconds = round(monotonic() - self._began, 3)
        self._log(f"run {self._run} {status}", status, seconds=seconds)
        self._notify(self._listener.run_ended, status)

    def _log(self, text: str, status: str, **fields: object) -> None:
        emit(RUNS, "INFO", text, run=self._run, pipeline=self._pipeline, status=status, **fields)

    def _notify(self, method: Callable[..., None], *arguments: object) -> None:
        try:
            method(*arguments)
        except Exception:
            name = getattr(method, "__qualname__", method)
            text = "the progress listener failed in %s; the run goes on"
            logging.getLogger("stackfold.listeners").exception(text, name)
