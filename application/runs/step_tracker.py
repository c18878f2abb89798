"""What a step tells its experiment tracker, in the process that executes it."""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, NamedTuple

from stackfold.application.ports.experiment_tracker import (
    ExperimentTracker,
    StepRecord,
    TrackedStep,
)
from stackfold.application.secrets.redaction import redacted, redacted_value
from stackfold.domain.errors import Invalid, TrackerUnavailable
from stackfold.domain.runs.metadata import valid_metadata

RECORD = "experiment_tracker"
"""Where the metadata of runs and steps tells what they are called in a tracker: name → ids."""
PROBLEM = "problem"
"""Among those ids: why there are none, or why not all that was told has arrived."""

Note = Callable[[dict[str, Any]], None]
"""Adds to the record of the step."""


class Tracked(NamedTuple):
    """A step's tracker, on its way to where the step is executed."""

    name: str
    """The component's."""
    tracker: ExperimentTracker
    step: TrackedStep


def warn(problem: str) -> None:
    """Tell what is wrong with a tracker, in one line."""
    logging.getLogger("stackfold.trackers").warning("%s", " ".join(redacted(problem).split()))


class StepTracker:
    """A neutral way to the tool that the stack tracks experiments with, whatever it is.

    The last value of each metric and parameter is kept in the record of the step, too; on a stack
    without a tracker that is all that happens.
    """

    def __init__(
        self, tracked: Tracked | None, step: str, note: Note, left_out: Callable[[str], None]
    ) -> None:
        """A step gets it from its context.

        Args:
            tracked: The tracker; None if there is none.
            step: The step's name.
            note: Adds to the record of the step.
            left_out: Tells what cannot be recorded.
        """
        self._tracked = tracked
        self._step = step
        self._note = note
        self._left_out = left_out
        self._turn = threading.RLock()
        self._block = ExitStack()
        self._record: StepRecord | None = None
        self._lost = ""
        self._closed = False
        self._metrics: dict[str, float] = {}
        self._parameters: dict[str, Any] = {}

    @property
    def ids(self) -> Mapping[str, Any]:
        """What finds the step in the tool; nothing if it is not tracked."""
        with self._turn:
            record = self._opened()
            return {} if record is None else dict(record.ids)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Tell numbers, such as a loss; what is no number is left out, with a warning.

        Args:
            metrics: Name → number.
            step: Which point of their curves it is, where they are curves.

        Raises:
            TrackerUnavailable: The tracker is strict, and cannot be reached.
        """
        numbers = {}
        for name, value in metrics.items():
            try:
                numbers[str(name)] = float(value)
            except (TypeError, ValueError, OverflowError):
                self._left_out(f"a metric {name!r:.80} that is no number: {value!r:.40}")
        with self._turn:
            self._metrics |= numbers
            self._note({"metrics": dict(self._metrics)})
            self._tell(lambda record: record.log_metrics(numbers, step))

    def log_parameters(self, parameters: Mapping[str, Any]) -> None:
        """Tell what the step depends on, beside its own parameters, which the tool knows.

        Args:
            parameters: Name → value; what JSON cannot carry is told as text.

        Raises:
            TrackerUnavailable: The tracker is strict, and cannot be reached.
        """
        values = redacted_value(
            {str(name): _value_or_text(value) for name, value in parameters.items()}
        )
        with self._turn:
            self._parameters |= values
            self._note({"parameters": dict(self._parameters)})
            self._tell(lambda record: record.log_parameters(values))

    def log_artifact(self, path: str | Path, name: str | None = None) -> None:
        """Hand over a file, or a folder with all that is in it.

        Args:
            path: Where it is.
            name: What it is called in the tool; as the file if None.

        Raises:
            Invalid: There is no such file or folder.
            TrackerUnavailable: The tracker is strict, and cannot be reached.
        """
        file = self._file(path)
        with self._turn:
            self._tell(lambda record: record.log_artifact(file, name or file.name), file)

    def log_model(self, path: str | Path, name: str = "") -> None:
        """Hand over the file or folder of a model.

        Args:
            path: Where it is.
            name: What the model is called in the tool; by default as the file or folder is.

        Raises:
            Invalid: It is no path, but the model itself, or there is no such file or folder.
            TrackerUnavailable: The tracker is strict, and cannot be reached.
        """
        file = self._file(path)
        chosen = name or file.resolve().name
        with self._turn:
            self._tell(lambda record: record.log_model(file, chosen), file)

    @contextmanager
    def open_for_step(self) -> Iterator[None]:
        """The block is the step; if it raises, the step has failed.

        Raises:
            TrackerUnavailable: The tracker is strict, and cannot be reached.
        """
        if self._tracked and self._tracked.step.native:
            with self._turn:
                self._opened()
        try:
            yield
        except BaseException as error:
            self._close(error)
            raise
        self._close()

    # -- how it is done

    def _tell(self, call: Callable[[StepRecord], None], file: Path | None = None) -> None:
        if file is not None and self._tracked is None:
            warn(f"{file.name} of step {self._step!r} goes nowhere: no experiment tracker is there")
        record = self._opened()
        if record is None:
            return
        try:
            call(record)
        except TrackerUnavailable as error:
            self._lose(error)

    def _opened(self) -> StepRecord | None:
        """The tool's record of the step, which is opened on first use; None if there is none."""
        if self._record or self._tracked is None or self._lost or self._closed:
            return self._record
        tracker, step = self._tracked.tracker, self._tracked.step
        if step.ids is None and not step.native:
            return None
        try:
            self._record = self._block.enter_context(tracker.track(step, self._lose))
        except TrackerUnavailable as error:
            self._lose(error)
            return None
        self._note_ids(dict(self._record.ids))
        return self._record

    def _close(self, error: BaseException | None = None) -> None:
        with self._turn:
            self._closed = True
        try:
            self._block.__exit__(type(error) if error else None, error, None)
        except TrackerUnavailable as unavailable:
            # What the step itself has raised counts more.
            with suppress(TrackerUnavailable) if error else nullcontext():
                self._lose(unavailable)

    def _lose(self, error: TrackerUnavailable) -> None:
        if self._tracked is None:
            return
        if self._tracked.tracker.strict:
            raise error
        if not self._lost:
            self._lost = str(error)
            warn(f"step {self._step!r} goes on: {error}")
        self._note_ids({} if self._record is None else dict(self._record.ids))

    def _note_ids(self, ids: dict[str, Any]) -> None:
        if self._tracked:
            problem = {PROBLEM: self._lost} if self._lost else {}
            if ids or problem:
                self._note({RECORD: {self._tracked.name: ids | problem}})

    def _file(self, path: str | Path) -> Path:
        if not isinstance(path, str) and not hasattr(path, "__fspath__"):
            problem = (
                f"an object of the class {type(path).__name__} instead of the path of a file or "
                "folder: save it first, or return it from the step, which stores it as an artifact"
            )
            raise Invalid(f"step {self._step!r} adds {problem}")
        if not Path(path).exists():
            raise Invalid(f"step {self._step!r} adds an artifact that does not exist: {path}")
        return Path(path)


def _value_or_text(value: Any) -> Any:
    try:
        return valid_metadata({"": value})[""]
    except ValueError:
        return repr(value)
