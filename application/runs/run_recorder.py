"""RunRecorder what happens in one run, in the order in which it happens."""

import threading
from collections.abc import Callable

from eventsourcing.persistence import RecordConflictError

from stackfold.application.eventsourcing.repository import ATTEMPTS, Repository
from stackfold.domain.errors import Busy
from stackfold.domain.runs.run import Run

Command = Callable[[Run], None]

_MOST = 100
"""So many commands at most are kept back until one of them has to be durable."""


class RunRecorder:
    """One run's way into the log; threads may share it."""

    def __init__(self, repository: Repository, run: Run, why: str, shared: bool = False) -> None:
        """Prepare to record.

        Args:
            repository: The log.
            run: The run.
            why: The reason.
            shared: Whether others record what happens in it, too, and may end it.
        """
        self._repository = repository
        self._run = run
        self._why = why
        self._shared = shared
        self._turn = threading.Lock()
        self._waiting: list[Command] = []
        self._lost = False

    def record(self, *commands: Command, at_once: bool = True) -> None:
        """Command the run, and save it.

        What cannot be saved now is tried again with the next commands.

        Args:
            *commands: Each is called with the run; may be called again with a later revision.
            at_once: False if they may wait for the next ones that cannot.

        Raises:
            RunEnded: Others have ended it.
            LogUnavailable: The log cannot be written.
        """
        with self._turn:
            self._waiting += commands
            if at_once or len(self._waiting) >= _MOST:
                self._save()

    def _save(self) -> None:
        for _ in range(ATTEMPTS):
            if self._lost:
                self._run = self._reloaded()
                self._lost = False
                if not self._waiting:
                    return
            before = self._run.version
            # Until it has returned nobody knows; an interruption can come at any moment.
            self._lost = True
            if self._shared and self._waiting:
                self._run.must_run()
            for command in self._waiting:
                command(self._run)
            self._expected = before + len(self._run.pending_events)
            try:
                self._repository.save(self._run, why=self._why)
            except RecordConflictError:
                # Somebody else said something about the run, such as a tag.
                self._expected = None
                continue
            self._waiting.clear()
            self._lost = False
            return
        raise Busy(
            f"others changed the run {ATTEMPTS} times meanwhile, nothing was recorded: try again"
        )

    def _reloaded(self) -> Run:
        run = self._repository.load(Run, self._run.id)
        if self._expected is not None and run.version >= self._expected:
            # The save was interrupted after all was done.
            self._waiting.clear()
        return run

    _expected: int | None = None
