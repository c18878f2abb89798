"""The services for schedules; a part of the services of a workspace."""

from typing import TYPE_CHECKING, cast

from stackfold.infrastructure.database.protocol import Database

if TYPE_CHECKING:
    cached_property = property

    from pathlib import Path

    from stackfold.application.eventsourcing.acting import Acting
    from stackfold.application.eventsourcing.claims import Claims
    from stackfold.application.eventsourcing.repository import Repository
    from stackfold.application.schedules.schedules import Schedules
    from stackfold.application.schedules.services import ScheduleServices as Needed
    from stackfold.application.stacks.stack_resolver import StackResolver
    from stackfold.infrastructure.queries.schedules import SqlScheduleQueries
    from stackfold.infrastructure.schedules.cron_jobs import KubernetesCronJobs
    from stackfold.infrastructure.schedules.recurring_runs import KubeflowRecurringRuns
    from stackfold.infrastructure.schedules.scheduler import ProcessScheduler
    from stackfold.infrastructure.schedules.system_timers import SystemTimers
else:
    from functools import cached_property


class ScheduleServices:
    """Knows schedules, and runs them."""

    database: Database
    home: "Path"
    acting: "Acting"

    if TYPE_CHECKING:

        @property
        def claims(self) -> "Claims":
            """Locks schedules against concurrent starts."""
            ...

        @property
        def repository(self) -> "Repository":
            """Loads and saves schedules."""
            ...

        @property
        def resolver(self) -> "StackResolver":
            """Pins stacks, and builds their components."""
            ...

    @cached_property
    def schedules(self) -> "Schedules":
        """Queries and commands on schedules."""
        from stackfold.application.schedules.schedules import Schedules

        return Schedules(self.schedule_queries, cast("Needed", self))

    @cached_property
    def schedule_queries(self) -> "SqlScheduleQueries":
        """Reads schedules."""
        from stackfold.infrastructure.queries.schedules import SqlScheduleQueries

        return SqlScheduleQueries(self.database, self.claims)

    @cached_property
    def system_timers(self) -> "SystemTimers":
        """Writes what lets cron or systemd run a schedule."""
        from stackfold.infrastructure.schedules.system_timers import SystemTimers

        return SystemTimers(str(self.home), self.database.url)

    @cached_property
    def cron_jobs(self) -> "KubernetesCronJobs":
        """Makes CronJobs of Kubernetes that run schedules."""
        from stackfold.infrastructure.schedules.cron_jobs import KubernetesCronJobs

        return KubernetesCronJobs(self.home, self.resolver)

    @cached_property
    def recurring_runs(self) -> "KubeflowRecurringRuns":
        """Makes recurring runs of Kubeflow that run schedules."""
        from stackfold.infrastructure.schedules.recurring_runs import KubeflowRecurringRuns

        return KubeflowRecurringRuns(self.home, self.resolver)

    @cached_property
    def scheduler(self) -> "ProcessScheduler":
        """Waits for times, and starts runs."""
        from stackfold.infrastructure.schedules.run_process import Author, Target
        from stackfold.infrastructure.schedules.scheduler import ProcessScheduler

        def author() -> Author:
            return Author(self.acting.actor(), self.acting.metadata().correlation_id)

        target = Target(str(self.home), self.database.url)
        return ProcessScheduler(self.schedule_queries, self.repository, self.claims, target, author)
