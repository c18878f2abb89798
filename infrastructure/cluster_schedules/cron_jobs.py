"""Makes CronJobs of Kubernetes from schedules, on the cluster of their stack."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stackfold.application.schedules.views import ScheduleView
from stackfold.domain.errors import InvalidSchedule
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.cluster_schedules import cluster

if TYPE_CHECKING:
    from stackfold.application.stacks.stack_resolver import StackResolver
    from stackfold.infrastructure.flavors.kubernetes.api import Manifest
    from stackfold.infrastructure.flavors.kubernetes.cron_job import CronJobApi, Pod, Times


class KubernetesCronJobs:
    """Prints, applies and deletes the CronJobs of schedules."""

    def __init__(self, home: Path, resolver: "StackResolver") -> None:
        """Create it.

        Args:
            home: The folder of the workspace.
            resolver: Pins stacks, and builds their components.
        """
        self._home = home
        self._resolver = resolver

    def manifest(self, view: ScheduleView, store_secret: str | None) -> str:
        """The CronJob of a schedule, as YAML; see `Schedules.cronjob`."""
        from stackfold.infrastructure.flavors.kubernetes.orchestrator import as_yaml

        times = _times(view)
        return as_yaml(self._manifest(view, self._pod(view, store_secret), times))

    def apply(self, view: ScheduleView, store_secret: str | None) -> tuple[str, Sequence[str]]:
        """Create or change the CronJob of a schedule; see `Schedules.apply_cronjob`."""
        times, pod = _times(view), self._pod(view, store_secret)
        manifest = self._manifest(view, pod, times)
        api = _api(pod)
        try:
            return manifest["metadata"]["name"], api.apply(manifest, times.cron_utc)
        finally:
            api.close()

    def delete(self, view: ScheduleView) -> Sequence[str]:
        """Delete the CronJobs of a schedule; see `Schedules.delete_cronjob`."""
        api = _api(self._pod(view, None, checked=False))
        try:
            return api.delete(view.id)
        finally:
            api.close()

    def _manifest(self, view: ScheduleView, pod: "Pod", times: "Times") -> "Manifest":
        from stackfold.infrastructure.flavors.kubernetes.cron_job import cron_job

        return cron_job(view.id, view.name, times, pod, cluster.command(view))

    def _pod(self, view: ScheduleView, store_secret: str | None, checked: bool = True) -> "Pod":
        from stackfold.infrastructure.flavors.kubernetes.cron_job import Pod
        from stackfold.infrastructure.flavors.kubernetes.orchestrator import KubernetesOrchestrator
        from stackfold.infrastructure.flavors.kubernetes.step_operator import (
            KubernetesStepOperator,
        )

        pin = cluster.pin_of(view, self._resolver)
        for type in (ComponentType.ORCHESTRATOR, ComponentType.STEP_OPERATOR):
            pinned = pin.component(type)
            built = self._resolver.built(pinned) if pinned else None
            if isinstance(built, KubernetesOrchestrator | KubernetesStepOperator):
                break
        else:
            raise InvalidSchedule(
                f"schedule {view.name!r}",
                f"has no cluster: stack {pin.stack!r} has neither an orchestrator nor a step "
                "operator of the flavor 'kubernetes'",
            )
        settings = built.configuration
        component = cluster.Component(
            "kubernetes",
            settings.image,
            settings.environment,
            settings.secret_environment,
            settings.shares_files,
        )
        pods = cluster.pods_of(component, self._home, store_secret)
        if checked:
            cluster.must_be_ready(view, pin, component, pods, self._home, "a CronJob")
        if isinstance(built, KubernetesOrchestrator):
            account = built.configuration.coordinator_service_account
            pod_settings = built.configuration.coordinator_pod_settings
        else:
            account, pod_settings = settings.service_account_name, settings.pod_settings
        return Pod(
            settings, pod_settings, pods.image, account, pods.environment, pods.secret_variables
        )


def _api(pod: "Pod") -> "CronJobApi":
    from stackfold.infrastructure.flavors.kubernetes.cron_job import CronJobApi

    return CronJobApi(pod.settings)


def _times(view: ScheduleView) -> "Times":
    from stackfold.infrastructure.flavors.kubernetes.cron_job import Times

    times = cluster.cluster_times(view, "a CronJob")
    deadline = 300 if view.catch_up == "none" else 3600
    return Times(times.cron, times.zone, times.utc, deadline, view.overlap == "allow")
