"""RunRecorder: records the events of one run, in order and in batches."""

import threading
from collections.abc import Callable, Sequence

from eventsourcing.persistence import RecordConflictError

from stackfold.application.eventsourcing.repository import ATTEMPTS, Repository
from stackfold.domain.errors import Busy
from stackfold.domain.models.model_version import ModelVersion
from stackfold.domain.runs.run import Run

Command = Callable[[Run], None]

_MOST = 100
"""Maximum number of commands to buffer until one must be durable."""


class RunRecorder:
    """Saves the events of one run; may be called from several threads."""

    def __init__(self, repository: Repository, run: Run, why: str, shared: bool = False) -> None:
        """Create the recorder of a run.

        Args:
            repository: Loads and saves the run.
            run: The run.
            why: The reason of its events.
            shared: Whether other processes record events of the run, too, and may end it.
        """
        self._repository = repository
        self._run = run
        self._why = why
        self._shared = shared
        self._lock = threading.Lock()
        self._waiting: list[Command] = []
        self._is_stale = False
        self._expected: int | None = None

    def record(self, *commands: Command, at_once: bool = True) -> None:
        """Execute commands on the run, and save it.

        Commands that cannot be saved are retried with the next ones.

        Args:
            *commands: Called with the run; called again with a later revision after a conflict.
            at_once: Whether to save now; False buffers the commands until a later call.

        Raises:
            RunEnded: Another process has ended the run.
            LogUnavailable: The log cannot be written.
        """
        with self._lock:
            self._waiting += commands
            if at_once or len(self._waiting) >= _MOST:
                self._save()

    def _save(self) -> None:
        for _ in range(ATTEMPTS):
            if self._is_stale:
                self._run = self._reloaded()
                self._is_stale = False
                if not self._waiting:
                    return
            before = self._run.version
            # Assume failure until `save` returns: it can be interrupted at any time.
            self._is_stale = True
            if self._shared and self._waiting:
                self._run.must_run()
            for command in self._waiting:
                command(self._run)
            self._expected = before + len(self._run.pending_events)
            made = self._completed_version()
            try:
                self._repository.append(self._run, *made, why=self._why)
            except RecordConflictError:
                # A concurrent event of the run, such as a tag.
                self._expected = None
                continue
            self._waiting.clear()
            self._is_stale = False
            return
        raise Busy(
            f"others changed the run {ATTEMPTS} times meanwhile, nothing was recorded: try again"
        )

    def _completed_version(self) -> Sequence[ModelVersion]:
        """The model version that is completed together with the run; none before its end."""
        if self._run.model_version is None or self._run.status != "completed":
            return ()
        version = self._repository.load(ModelVersion, self._run.model_version)
        if version.run == self._run.id:  # else the run continues a version of another one
            version.complete()
        return (version,)

    def _reloaded(self) -> Run:
        run = self._repository.load(Run, self._run.id)
        if self._expected is not None and run.version >= self._expected:
            # The interrupted save had succeeded.
            self._waiting.clear()
        return run
