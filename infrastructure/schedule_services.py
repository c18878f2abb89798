"""The services for schedules; a part of the services of a workspace."""

from importlib import import_module
from typing import TYPE_CHECKING, cast

from stackfold.infrastructure.database.protocol import Database

if TYPE_CHECKING:
    cached_property = property

    from pathlib import Path

    from stackfold.application.eventsourcing.acting import Acting
    from stackfold.application.eventsourcing.claims import Claims
    from stackfold.application.eventsourcing.repository import Repository
    from stackfold.application.schedules.running import ClusterObjects
    from stackfold.application.schedules.schedules import Schedules
    from stackfold.application.schedules.services import ScheduleServices as Needed
    from stackfold.application.stacks.stack_resolver import StackResolver
    from stackfold.infrastructure.queries.schedules import SqlScheduleQueries
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
    def cron_jobs(self) -> "ClusterObjects":
        """Makes CronJobs of Kubernetes that run schedules."""
        return self._cluster_objects("cron_jobs", "KubernetesCronJobs")

    @cached_property
    def recurring_runs(self) -> "ClusterObjects":
        """Makes recurring runs of Kubeflow that run schedules."""
        return self._cluster_objects("recurring_runs", "KubeflowRecurringRuns")

    def _cluster_objects(self, module: str, name: str) -> "ClusterObjects":
        # By name, as flavors are: their pods open workspaces, so an import would be a cycle.
        loaded = import_module(f"stackfold.infrastructure.cluster_schedules.{module}")
        made: ClusterObjects = getattr(loaded, name)(self.home, self.resolver)
        return made

    @cached_property
    def scheduler(self) -> "ProcessScheduler":
        """Waits for times, and starts runs."""
        from stackfold.infrastructure.schedules.run_process import Author, Target
        from stackfold.infrastructure.schedules.scheduler import ProcessScheduler

        def author() -> Author:
            return Author(self.acting.actor(), self.acting.metadata().correlation_id)

        target = Target(str(self.home), self.database.url)
        return ProcessScheduler(self.schedule_queries, self.repository, self.claims, target, author)
