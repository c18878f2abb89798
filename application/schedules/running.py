"""The port of the process that runs schedules."""

import threading
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from stackfold.application.schedules.views import ScheduleView, UnitFile


class RunSummary(NamedTuple):
    """What `Schedules.run` did."""

    started: int
    """The number of runs that were started."""
    failed: int
    """The number of runs that failed, and of times at which a run could not be started."""


class SystemTimers(Protocol):
    """Writes what lets cron or systemd run a schedule."""

    def crontab(self, view: ScheduleView) -> str:
        """The lines for a crontab; see `Schedules.crontab`."""
        ...

    def systemd(self, view: ScheduleView) -> Sequence[UnitFile]:
        """The service and the timer; see `Schedules.systemd`."""
        ...


class ClusterObjects(Protocol):
    """Makes objects in a cluster that run schedules: CronJobs, or recurring runs of Kubeflow."""

    def manifest(self, view: ScheduleView, store_secret: str | None) -> str:
        """The object, as YAML; see `Schedules.cronjob` and `Schedules.recurring_run`."""
        ...

    def apply(self, view: ScheduleView, store_secret: str | None) -> tuple[str, Sequence[str]]:
        """Create or change the object; see `Schedules.apply_cronjob`."""
        ...

    def delete(self, view: ScheduleView) -> Sequence[str]:
        """Delete the objects; see `Schedules.delete_cronjob`."""
        ...


class Scheduler(Protocol):
    """Waits for the times of schedules, and starts runs."""

    def run(self, ids: Sequence[str] | None, once: bool, stop: threading.Event) -> RunSummary:
        """Run schedules until it is stopped.

        Args:
            ids: The schedules; None for all, also those that are created later.
            once: Whether to return when the runs that are due now have ended.
            stop: Set to start no further runs, and return when those that were started have ended.
        """
        ...

    def react(self, id: str, event: str) -> str | None:
        """Start a run of a schedule after an event.

        Args:
            id: The schedule.
            event: "#" and the position of the event.

        Returns:
            The name of the run; None if none was started.
        """
        ...
