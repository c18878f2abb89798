"""What the commands on schedules need beyond queries."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from stackfold.application.eventsourcing.repository import Repository
    from stackfold.application.history.queries import History
    from stackfold.application.schedules.planning import PipelineLoader
    from stackfold.application.schedules.running import ClusterObjects, Scheduler, SystemTimers
    from stackfold.application.stacks.queries import StackQueries


class ScheduleServices(Protocol):
    """Services that are created on first use: importing them takes longer than a query."""

    @property
    def repository(self) -> "Repository":
        """Loads and saves aggregates."""
        ...

    @property
    def history(self) -> "History":
        """Reads what happened to schedules."""
        ...

    @property
    def queries(self) -> "StackQueries":
        """Looks up stacks."""
        ...

    @property
    def pipelines(self) -> "PipelineLoader":
        """Loads pipelines."""
        ...

    @property
    def system_timers(self) -> "SystemTimers":
        """Writes what lets cron or systemd run a schedule."""
        ...

    @property
    def cron_jobs(self) -> "ClusterObjects":
        """Makes CronJobs of Kubernetes that run schedules."""
        ...

    @property
    def recurring_runs(self) -> "ClusterObjects":
        """Makes recurring runs of Kubeflow that run schedules."""
        ...

    @property
    def scheduler(self) -> "Scheduler":
        """Waits for times, and starts runs."""
        ...
