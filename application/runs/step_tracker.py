"""StepTracker: records a step to its experiment tracker, in the process that executes it."""

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
"""Key in the metadata of runs and steps: tracker name → ids in its tool."""
PROBLEM = "problem"
"""Key among those ids: why there are none, or why some records were lost."""

AddMetadata = Callable[[dict[str, Any]], None]
"""Adds metadata to the step."""


class Tracked(NamedTuple):
    """The tracker of a step, sent to the process that executes the step."""

    name: str
    """The component's name."""
    tracker: ExperimentTracker
    step: TrackedStep


def warn(problem: str) -> None:
    """Log a problem of a tracker, in one line."""
    logging.getLogger("stackfold.trackers").warning("%s", " ".join(redacted(problem).split()))


class StepTracker:
    """Records metrics, parameters and files to the experiment tracker of the stack, if any.

    The last value of each metric and parameter is also recorded with the step.
    """

    def __init__(
        self,
        tracked: Tracked | None,
        step: str,
        add_metadata: AddMetadata,
        left_out: Callable[[str], None],
    ) -> None:
        """Create the tracker; a step gets it from its context.

        Args:
            tracked: The stack's tracker; None if there is none.
            step: The step's name.
            add_metadata: Adds metadata to the step.
            left_out: Logs what cannot be recorded.
        """
        self._tracked = tracked
        self._step = step
        self._add_metadata = add_metadata
        self._left_out = left_out
        self._lock = threading.RLock()
        self._block = ExitStack()
        self._record: StepRecord | None = None
        self._problem = ""
        self._closed = False
        self._metrics: dict[str, float] = {}
        self._parameters: dict[str, Any] = {}

    @property
    def ids(self) -> Mapping[str, Any]:
        """Identify the step in the tool; empty if it is not tracked."""
        with self._lock:
            record = self._open_record()
            return {} if record is None else dict(record.ids)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log numbers, such as a loss; other values are omitted with a warning.

        Args:
            metrics: Name → number.
            step: The point of their curves, if they form curves.

        Raises:
            TrackerUnavailable: The tracker is strict and cannot be reached.
        """
        numbers = {}
        for name, value in metrics.items():
            try:
                numbers[str(name)] = float(value)
            except (TypeError, ValueError, OverflowError):
                self._left_out(f"a metric {name!r:.80} that is no number: {value!r:.40}")
        with self._lock:
            self._metrics |= numbers
            self._add_metadata({"metrics": dict(self._metrics)})
            self._send(lambda record: record.log_metrics(numbers, step))

    def log_parameters(self, parameters: Mapping[str, Any]) -> None:
        """Log parameters in addition to the step's own, which the tool has already.

        Args:
            parameters: Name → value; values that are not JSON are logged as text.

        Raises:
            TrackerUnavailable: The tracker is strict and cannot be reached.
        """
        values = redacted_value(
            {str(name): _value_or_text(value) for name, value in parameters.items()}
        )
        with self._lock:
            self._parameters |= values
            self._add_metadata({"parameters": dict(self._parameters)})
            self._send(lambda record: record.log_parameters(values))

    def log_artifact(self, path: str | Path, name: str | None = None) -> None:
        """Log a file, or a folder with all its content.

        Args:
            path: Its path.
            name: Its name in the tool; by default the name of the file or folder.

        Raises:
            Invalid: The file or folder does not exist.
            TrackerUnavailable: The tracker is strict and cannot be reached.
        """
        file = self._file(path)
        with self._lock:
            self._send(lambda record: record.log_artifact(file, name or file.name), file)

    def log_model(self, path: str | Path, name: str = "") -> None:
        """Log the file or folder of a model.

        Args:
            path: Its path.
            name: The model's name in the tool; by default the name of the file or folder.

        Raises:
            Invalid: `path` is not a path, or the file or folder does not exist.
            TrackerUnavailable: The tracker is strict and cannot be reached.
        """
        file = self._file(path)
        chosen = name or file.resolve().name
        with self._lock:
            self._send(lambda record: record.log_model(file, chosen), file)

    @contextmanager
    def open_for_step(self) -> Iterator[None]:
        """Track the step while the block is executed; if it raises, the step has failed.

        Raises:
            TrackerUnavailable: The tracker is strict and cannot be reached.
        """
        if self._tracked and self._tracked.step.native:
            with self._lock:
                self._open_record()
        try:
            yield
        except BaseException as error:
            self._close(error)
            raise
        self._close()

    def _send(self, call: Callable[[StepRecord], None], file: Path | None = None) -> None:
        if file is not None and self._tracked is None:
            problem = "is not logged: the stack has no experiment tracker"
            warn(f"{file.name} of step {self._step!r} {problem}")
        record = self._open_record()
        if record is None:
            return
        try:
            call(record)
        except TrackerUnavailable as error:
            self._report_loss(error)

    def _open_record(self) -> StepRecord | None:
        """Return the tool's record of the step, opened on first use; None if there is none."""
        if self._record or self._tracked is None or self._problem or self._closed:
            return self._record
        tracker, step = self._tracked.tracker, self._tracked.step
        if step.ids is None and not step.native:
            return None
        try:
            self._record = self._block.enter_context(tracker.track(step, self._report_loss))
        except TrackerUnavailable as error:
            self._report_loss(error)
            return None
        self._record_ids(dict(self._record.ids))
        return self._record

    def _close(self, error: BaseException | None = None) -> None:
        with self._lock:
            self._closed = True
        try:
            self._block.__exit__(type(error) if error else None, error, None)
        except TrackerUnavailable as unavailable:
            # The error of the step takes precedence.
            with suppress(TrackerUnavailable) if error else nullcontext():
                self._report_loss(unavailable)

    def _report_loss(self, error: TrackerUnavailable) -> None:
        if self._tracked is None:
            return
        if self._tracked.tracker.strict:
            raise error
        if not self._problem:
            self._problem = str(error)
            warn(f"step {self._step!r} goes on: {error}")
        self._record_ids({} if self._record is None else dict(self._record.ids))

    def _record_ids(self, ids: dict[str, Any]) -> None:
        if self._tracked:
            problem = {PROBLEM: self._problem} if self._problem else {}
            if ids or problem:
                self._add_metadata({RECORD: {self._tracked.name: ids | problem}})

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
