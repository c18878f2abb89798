"""Commands on schedules that a cluster runs: by CronJobs, or by recurring runs of Kubeflow."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stackfold.application.eventsourcing.unit_of_work import outside_changes
from stackfold.application.schedules.schedule_reader import ScheduleReader, view_of
from stackfold.application.schedules.views import ScheduleView
from stackfold.domain.errors import Ambiguous, Invalid, NotFound
from stackfold.domain.stacks.component_type import ComponentType

if TYPE_CHECKING:
    from stackfold.application.schedules.services import ScheduleServices


class ClusterSchedules(ScheduleReader):
    """Prints, applies and deletes the objects in a cluster that run schedules."""

    _services: "ScheduleServices"

    def cronjob(self, reference: str, *, store_secret: str | None = None) -> str:
        """Return a CronJob of Kubernetes that runs a schedule, as YAML in `batch/v1`.

        It runs in the cluster and the image of the component `kubernetes` of the schedule's stack:
        its orchestrator, or else its step operator.

        Args:
            reference: The schedule.
            store_secret: The key of a secret in the cluster that holds the address of the log, as
                "name:key"; by default the address is in the CronJob.

        Raises:
            NotFound: No schedule matches.
            InvalidSchedule: Its times or its stack do not allow it, or a pod cannot read the log.
        """
        return self._services.cron_jobs.manifest(self.get(reference), _key(store_secret))

    @outside_changes
    def apply_cronjob(
        self, reference: str, *, store_secret: str | None = None
    ) -> tuple[str, Sequence[str]]:
        """Create the CronJob of a schedule in the cluster, or change it.

        Args:
            reference: The schedule.
            store_secret: As for `cronjob`.

        Returns:
            Its name, and those of earlier CronJobs of the schedule, which are deleted.

        Raises:
            NotFound: No schedule matches.
            InvalidSchedule: As for `cronjob`.
            EngineUnavailable: The cluster does not respond or rejects it, or has a CronJob of that
                name that does not belong to the schedule.
        """
        return self._services.cron_jobs.apply(self.get(reference), _key(store_secret))

    @outside_changes
    def delete_cronjob(self, reference: str) -> Sequence[str]:
        """Delete the CronJobs of a schedule with their Jobs, and return their names.

        Args:
            reference: The schedule; it may have been deleted.

        Raises:
            NotFound: There never was such a schedule, or its stack does not exist.
            InvalidSchedule: Its stack has no component `kubernetes`.
            EngineUnavailable: The cluster does not respond, or denies it.
        """
        return self._services.cron_jobs.delete(self._latest(reference))

    def recurring_run(self, reference: str, *, store_secret: str | None = None) -> str:
        """Return a recurring run of Kubeflow that runs a schedule, as YAML of its API v2beta1.

        It runs in the Kubeflow and the image of the orchestrator of the schedule's stack.

        Args:
            reference: The schedule.
            store_secret: The key of a secret in the cluster that holds the address of the log, as
                "name:key"; by default the address is in the recurring run.

        Raises:
            NotFound: No schedule matches.
            InvalidSchedule: Its times or its stack do not allow it, or a pod cannot read the log.
        """
        return self._services.recurring_runs.manifest(self.get(reference), _key(store_secret))

    @outside_changes
    def apply_recurring_run(
        self, reference: str, *, store_secret: str | None = None
    ) -> tuple[str, Sequence[str]]:
        """Create the recurring run of a schedule in Kubeflow, or replace it if it has changed.

        Args:
            reference: The schedule.
            store_secret: As for `recurring_run`.

        Returns:
            Its name, and those of recurring runs of the schedule with other names, which are
            deleted.

        Raises:
            NotFound: No schedule matches.
            InvalidSchedule: As for `recurring_run`.
            EngineUnavailable: Kubeflow does not respond or rejects it, or has a recurring run of
                that name that does not belong to the schedule.
        """
        return self._services.recurring_runs.apply(self.get(reference), _key(store_secret))

    @outside_changes
    def delete_recurring_run(self, reference: str) -> Sequence[str]:
        """Delete the recurring runs of a schedule, and return their names.

        Args:
            reference: The schedule; it may have been deleted.

        Raises:
            NotFound: There never was such a schedule, or its stack does not exist.
            InvalidSchedule: Its stack has no orchestrator `kubeflow`.
            EngineUnavailable: Kubeflow does not respond, or denies it.
        """
        return self._services.recurring_runs.delete(self._latest(reference))

    def cluster_kinds(self, reference: str) -> Sequence[str]:
        """Return which objects may run a schedule in the cluster of its stack.

        Whether there are any is not in the log. They remain if the schedule is deleted, and
        `delete_cronjob` and `delete_recurring_run` delete them also after that.

        Args:
            reference: The schedule.

        Returns:
            "cronjob" and "recurring-run", as far as the stack has what they run on.

        Raises:
            NotFound: No schedule matches.
        """
        view = self.get(reference)
        if view.stack is None or view.trigger is not None:
            return []
        try:
            components = self._services.queries.stored_stack(view.stack).components
        except (NotFound, Ambiguous):
            return []
        # The default component of a type is the first.
        flavors = {each.type: each.flavor for each in reversed(components)}
        orchestrator = flavors.get(ComponentType.ORCHESTRATOR)
        step_operator = flavors.get(ComponentType.STEP_OPERATOR)
        found = ["cronjob"] if "kubernetes" in (orchestrator, step_operator) else []
        return [*found, "recurring-run"] if orchestrator == "kubeflow" else found

    def _latest(self, reference: str) -> ScheduleView:
        """A schedule as it is, or as it was when it was deleted."""
        history = self._services.history
        try:
            # First by its whole name or id: a prefix may be that of another one.
            found = history.find("schedule", reference)
        except NotFound:
            return self.get(reference)
        try:
            return self.get(found.id)
        except NotFound:
            before = history.revisions(found.id)[-2]
            return view_of(self._queries.one(found.id, before.position), None)


def _key(secret: str | None) -> str | None:
    if secret is not None:
        name, _, key = secret.partition(":")
        if not name or not key:
            raise Invalid(f"{secret!r:.200} must be NAME:KEY, of a secret in the cluster")
    return secret
