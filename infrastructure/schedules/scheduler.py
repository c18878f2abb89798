"""ProcessScheduler: waits for the times of schedules, and starts each run in its own process.

A schedule is claimed while it is decided what is due and until the run is recorded, so that two
processes do not decide the same. Should a claim be lost, the ids of runs follow from their times:
the log accepts one run for each.
"""

import contextvars
import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from stackfold.application.eventsourcing.claims import Claims
from stackfold.application.schedules.decisions import (
    NOTHING,
    Decision,
    State,
    Window,
    decide,
)
from stackfold.application.schedules.queries import ScheduleQueries, StoredSchedule
from stackfold.application.schedules.running import RunSummary
from stackfold.application.schedules.schedule_reader import accounted_of, times_of
from stackfold.domain.errors import (
    ChangeElsewhere,
    LogUnavailable,
    NotFound,
    NothingToChange,
    PermissionDenied,
    RunBusy,
    StackfoldError,
)
from stackfold.domain.rfc3339 import from_rfc3339, to_rfc3339, to_the_second
from stackfold.infrastructure.eventstore.clock import now as clock_now
from stackfold.infrastructure.schedules.run_process import Author, Target, started_process
from stackfold.infrastructure.system.answering_process import ENDED, AnsweringProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackfold.application.eventsourcing.repository import Repository

LOGGER = "stackfold.schedules"
"""The logger of what schedules do."""
_LONGEST = 5.0
"""Seconds between two looks at the log, which may have other schedules meanwhile."""
_SHORTEST = 0.05
_BUSY = 1.0
"""Seconds between two looks at a schedule that another process decides about."""
_PATIENCE = 600.0
"""Seconds until a run must be recorded; importing its pipeline may take long."""
_MOST_PROBLEMS = 10
"""How often in a row the log may be unavailable."""
_RUNS = 100
"""The latest runs that a decision looks at."""

_log = logging.getLogger(LOGGER)


class ProcessScheduler:
    """Runs schedules."""

    def __init__(
        self,
        queries: ScheduleQueries,
        repository: "Repository",
        claims: Claims,
        target: Target,
        author: Callable[[], Author],
    ) -> None:
        """Create it.

        Args:
            queries: Reads schedules.
            repository: Saves what passed without a run.
            claims: Ensures that one process at a time decides about a schedule.
            target: The log, for the processes that it starts.
            author: Returns who runs the schedules.
        """
        self._queries, self._repository, self._claims = queries, repository, claims
        self._target, self._author = target, author

    def run(self, ids: Sequence[str] | None, once: bool, stop: threading.Event) -> RunSummary:
        """Run schedules until it is stopped; see `Scheduler`."""
        return _Session(self, ids, stop).run(once)

    def react(self, id: str, event: str) -> str | None:
        """Start a run after an event, and return its name when it is recorded."""
        stored = self._queries.one(id)
        with self._claims.claim(id, stored.row.name):
            if self._queries.was_started(id, event):
                return None
            running = [each.name for each in self._queries.runs(id, _RUNS) if _runs(each.status)]
            if running and stored.row.overlap == "skip":
                self._pass(id, "overlap", event, event)
                return None
            started = self._start(stored, event)
        return started.run if started else None

    # -- for a session

    def decision(self, stored: StoredSchedule, until: datetime | None = None) -> Decision:
        """What is to be done about the times of a schedule up to now, or up to an earlier time."""
        now, times = until or _now(), times_of(stored.row)
        accounted = accounted_of(stored)
        if not times.between(accounted, now, 1):
            return NOTHING
        runs = self._queries.runs(stored.id, _RUNS)
        windows = [
            Window(from_rfc3339(run.started), _end(run.status, run.ended, run.started))
            for run in runs
            if run.started and run.status
        ]
        row = stored.row
        state = State(times, row.catch_up, row.catch_up_limit, row.overlap, accounted, windows)
        return decide(state, now)

    def handle(self, id: str, until: datetime | None = None) -> "list[_Started | None]":
        """Record and start what is due.

        Returns:
            Each run that was started; None for one that could not be.

        Raises:
            RunBusy: Another process is doing so.
            NotFound: The schedule was deleted.
        """
        with self._claims.claim(id, id):
            stored = self._queries.one(id)
            if stored.row.state != "enabled":
                return []
            decided = self.decision(stored, until)
            for gap in decided.passed:
                first, last = to_rfc3339(gap.first), to_rfc3339(gap.last)
                self._pass(id, gap.reason, first, last, gap.times)
                _tell_gap(stored.row.name, gap.reason, first, last, gap.times)
            return [self._start(stored, to_rfc3339(time)) for time in decided.start]

    def _start(self, stored: StoredSchedule, time: str) -> "_Started | None":
        """Start a run and wait until it is recorded; None if it could not be started."""
        name = stored.row.name
        try:
            process = started_process(self._target, self._author(), stored.id, time)
            answer = process.answer(_PATIENCE)
            if answer is None:
                process.kill()
                answer = {"problem": f"the run was not recorded within {_PATIENCE:.0f} s"}
        except StackfoldError as error:
            answer, process = {"problem": str(error)}, None
        if "already" in answer:
            return None
        if "run" in answer and process:
            _tell(name, time, f"run {answer['run']} started", run=answer["run"], outcome="started")
            return _Started(name, time, answer["run"], process)
        problem = answer.get("problem", ENDED)
        if self._queries.was_started(stored.id, time):  # it was recorded, then its process ended
            return _Started(name, time, str(_run_of(stored.id, time)), process)
        self._pass(stored.id, "failed", time, time, 1, problem)
        _tell(name, time, f"not started: {problem}", logging.ERROR, outcome="not started")
        return None

    def _pass(
        self, id: str, reason: str, first: str, last: str, count: int = 1, error: str = ""
    ) -> None:
        from stackfold.domain.schedules.schedule import Schedule

        facts = (reason, first, last, count, " ".join(error.split())[:_LONGEST_ERROR])
        with suppress(NothingToChange, NotFound):  # another process was faster
            self._repository.change(Schedule, id, lambda each: each.pass_over(*facts))  # type: ignore[arg-type]


_LONGEST_ERROR = 2000
"""Characters of an error that are recorded."""


class _Started:
    """A run that was started."""

    def __init__(
        self, schedule: str, time: str, run: str, process: AnsweringProcess | None
    ) -> None:
        self.schedule, self.time, self.run, self.process = schedule, time, run, process


class _Session:
    """One call of `ProcessScheduler.run`."""

    def __init__(
        self, scheduler: ProcessScheduler, ids: Sequence[str] | None, stop: threading.Event
    ) -> None:
        self._scheduler, self._ids, self._stop = scheduler, ids, stop
        self._until: datetime | None = None
        """The last time that is started; None without a limit."""
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._handled: set[str] = set()
        """The schedules that a thread is starting runs of."""
        self._running: list[_Started] = []
        self._threads: list[threading.Thread] = []
        self._started = self._failed = self._problems = 0

    def run(self, once: bool) -> RunSummary:
        if once:
            self._until = _now()
        try:
            while not self._stop.is_set():
                pause = self._look(once)
                if pause is None:
                    break
                self._sleep(pause)
            self._join()
        except BaseException:
            self._interrupt()
            raise
        return RunSummary(self._started, self._failed)

    def _look(self, once: bool) -> float | None:
        """Handle what is due; returns the seconds to sleep, None if nothing is left to do."""
        try:
            schedules = self._schedules()
            due = [each for each in schedules if self._is_due(each)]
            self._problems = 0
        except (LogUnavailable, ChangeElsewhere) as error:
            self._problems += 1
            if isinstance(error, PermissionDenied) or self._problems > _MOST_PROBLEMS:
                raise
            _log.warning("%s", f"the log cannot be used at the moment: {error}")
            return float(min(30.0, 0.25 * 2**self._problems))
        for each in due:
            self._begin(each)
        with self._lock:
            busy = bool(self._handled or self._running)
        if once and not due and not busy:
            return None
        now = _now()
        upcoming = [time for each in schedules for time in self._next(each, now)]
        soonest = min(upcoming, default=now + timedelta(seconds=_LONGEST))
        return max(_SHORTEST, min(_LONGEST, (soonest - now).total_seconds()))

    def _schedules(self) -> list[StoredSchedule]:
        found = self._scheduler._queries.schedules()
        wanted = None if self._ids is None else {*self._ids}
        return [
            each
            for each in found
            if (wanted is None or each.id in wanted) and each.row.state == "enabled"
        ]

    def _is_due(self, stored: StoredSchedule) -> bool:
        with self._lock:
            if stored.id in self._handled:
                return False
        return self._scheduler.decision(stored, self._until) != NOTHING

    def _next(self, stored: StoredSchedule, now: datetime) -> list[datetime]:
        return times_of(stored.row).next(max(now, accounted_of(stored)), 1)

    def _begin(self, stored: StoredSchedule) -> None:
        """Handle a schedule in a thread."""
        with self._lock:
            self._handled.add(stored.id)
        context = contextvars.copy_context()
        self._spawn(lambda: context.run(self._handle, stored))

    def _handle(self, stored: StoredSchedule) -> None:
        with self._handling(stored):
            for started in self._scheduler.handle(stored.id, self._until):
                with self._lock:
                    if started is None:
                        self._failed += 1
                        continue
                    self._started += 1
                    self._running.append(started)
                self._spawn(lambda started=started: self._follow(started, stored.id))  # type: ignore[misc]

    @contextmanager
    def _handling(self, stored: StoredSchedule) -> "Iterator[None]":
        try:
            yield
        except (RunBusy, NotFound):  # another process handles it, or it was deleted
            self._stop.wait(_BUSY)
        except (LogUnavailable, ChangeElsewhere) as error:
            _log.warning("%s", f"{stored.row.name}: the log cannot be used at the moment: {error}")
            self._stop.wait(1.0)
        except StackfoldError as error:
            _log.error("%s", f"{stored.row.name}: {error}")
            self._failed += 1
            self._stop.wait(_LONGEST)
        finally:
            with self._lock:
                self._handled.discard(stored.id)
            self._wake.set()

    def _follow(self, started: _Started, id: str) -> None:
        """Wait until a run has ended, and tell how."""
        try:
            if started.process:
                started.process.wait()
            found = self._scheduler._queries.runs(id, _RUNS)
            status = next((each.status for each in found if each.time == started.time), None)
            level = logging.INFO if status in {"completed", "running"} else logging.ERROR
            if level == logging.ERROR:
                with self._lock:
                    self._failed += 1
            text = f"run {started.run} {status or 'deleted'}"
            _tell(started.schedule, started.time, text, level, run=started.run, outcome=status)
        except StackfoldError as error:
            _log.warning("%s", f"{started.schedule}: {error}")
        finally:
            with self._lock:
                self._running.remove(started)
            self._wake.set()

    def _spawn(self, function: Callable[[], None]) -> None:
        thread = threading.Thread(target=function, daemon=True)
        with self._lock:
            self._threads = [each for each in self._threads if each.is_alive()]
            self._threads.append(thread)
        thread.start()

    def _sleep(self, seconds: float) -> None:
        """Sleep until a thread has ended, or the session is stopped."""
        left = seconds
        while left > 0 and not self._stop.is_set() and not self._wake.wait(min(left, _SLICE)):
            left -= _SLICE
        self._wake.clear()

    def _join(self) -> None:
        """Wait until all runs have ended."""
        while True:
            with self._lock:
                alive = [each for each in self._threads if each.is_alive()]
            if not alive:
                return
            alive[0].join(_SLICE)

    def _interrupt(self) -> None:
        """Cancel the runs, and wait until that is recorded."""
        self._stop.set()
        with self._lock:
            running = [*self._running]
        for each in running:
            if each.process:
                each.process.interrupt()
        for each in running:
            if each.process:
                each.process.wait(_CANCEL)


_SLICE = 0.25
_CANCEL = 30.0
"""Seconds that an interrupted run may take to end."""


def _now() -> datetime:
    return from_rfc3339(clock_now())


def _runs(status: str | None) -> bool:
    return status == "running"


def _end(status: str, ended: str | None, started: str) -> datetime | None:
    """When a run ended; None if it is running. Of one whose process was killed, it is unknown."""
    if ended:
        return from_rfc3339(ended)
    return None if _runs(status) else from_rfc3339(started)


def _run_of(schedule: str, time: str) -> UUID:
    from stackfold.domain.runs.start_facts import Occurrence

    return Occurrence(schedule=UUID(schedule), time=time).run


def _tell_gap(schedule: str, reason: str, first: str, last: str, count: int) -> None:
    several = f"{count} times until {to_the_second(last)} " if count > 1 else ""
    word = "skipped, as the run before was running" if reason == "overlap" else "missed"
    _tell(schedule, first, f"{several}{word}", logging.WARNING, outcome=reason)


def _tell(
    schedule: str, time: str, text: str, level: int = logging.INFO, **fields: str | None
) -> None:
    extra = {"schedule": schedule, "scheduled_for": time, **fields}
    _log.log(level, "%s", f"{schedule} {to_the_second(time)}: {text}", extra=extra)
