"""Makes CronJobs of Kubernetes from schedules, on the cluster of their stack."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from stackfold.application.schedules.views import ScheduleView
from stackfold.domain.errors import InvalidSchedule
from stackfold.domain.rfc3339 import from_rfc3339
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.domain.stacks.secret_references import parts
from stackfold.infrastructure.schedules.system_timers import must_have_times
from stackfold.infrastructure.secrets.environment import variable_of

if TYPE_CHECKING:
    from stackfold.application.stacks.stack_resolver import StackResolver
    from stackfold.domain.runs.pin import Pin
    from stackfold.infrastructure.flavors.kubernetes.api import Manifest
    from stackfold.infrastructure.flavors.kubernetes.cron_job import CronJobApi, Pod, Times

_EACH_MINUTE = "* * * * *"
_STORE = "STACKFOLD_STORE"


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

        # By its id, which stays if the schedule is renamed.
        command = ["python", "-m", "stackfold", "schedule", "run", view.id, "--once"]
        return cron_job(view.id, view.name, times, pod, command)

    def _pod(self, view: ScheduleView, store_secret: str | None, checked: bool = True) -> "Pod":
        from stackfold.infrastructure.flavors.kubernetes.cron_job import Pod
        from stackfold.infrastructure.flavors.kubernetes.orchestrator import KubernetesOrchestrator
        from stackfold.infrastructure.flavors.kubernetes.step_operator import (
            KubernetesStepOperator,
        )
        from stackfold.infrastructure.flavors.shared_log import log_problem, with_log

        title = f"schedule {view.name!r}"
        if view.stack is None:
            raise InvalidSchedule(
                title,
                "has no stack, and in a pod another one may be active: update it with a stack",
            )
        pin = self._resolver.pin(view.stack)
        for type in (ComponentType.ORCHESTRATOR, ComponentType.STEP_OPERATOR):
            pinned = pin.component(type)
            built = self._resolver.built(pinned) if pinned else None
            if isinstance(built, KubernetesOrchestrator | KubernetesStepOperator):
                break
        else:
            raise InvalidSchedule(
                title,
                f"has no cluster: stack {pin.stack!r} has neither an orchestrator nor a step "
                "operator of the flavor 'kubernetes'",
            )
        settings = built.configuration
        environment = with_log(settings.environment, self._home, settings.shares_files)
        secrets = {_STORE: store_secret} if store_secret else {}
        if _STORE in {**settings.secret_environment, **secrets}:
            environment.pop(_STORE, None)
        elif checked and (problem := log_problem(environment, self._home, settings.shares_files)):
            raise InvalidSchedule(title, f"cannot be run by a CronJob: {problem}")
        if isinstance(built, KubernetesOrchestrator):
            account = built.configuration.coordinator_service_account
            pods = built.configuration.coordinator_pod_settings
        else:
            account, pods = settings.service_account_name, settings.pod_settings
        image = settings.image or ("python" if settings.shares_files else "")
        if checked:
            _must_be_ready(title, image, pin, settings.secret_environment, settings.shares_files)
        return Pod(settings, pods, image, account, environment, secrets)


def _api(pod: "Pod") -> "CronJobApi":
    from stackfold.infrastructure.flavors.kubernetes.cron_job import CronJobApi

    return CronJobApi(pod.settings)


def _must_be_ready(
    title: str, image: str, pin: "Pin", given: Mapping[str, str], shares_files: bool
) -> None:
    if not image:
        raise InvalidSchedule(
            title,
            "cannot be run by a CronJob without an image: give the component `kubernetes` one, by "
            "`image`, as nothing is built when a CronJob fires",
        )
    missing = [each for each in pin.secrets if variable_of(*parts(each)) not in given]
    if missing and not shares_files:
        raise InvalidSchedule(
            title,
            f"needs the secret {missing[0]} in the pods of a CronJob, which no program sends: give "
            f"{variable_of(*parts(missing[0]))} by secret_environment",
        )


# -- times


def _times(view: ScheduleView) -> "Times":
    from stackfold.infrastructure.flavors.kubernetes.cron_job import Times

    must_have_times(view, "a CronJob")
    cron, zone = _EACH_MINUTE, "UTC"
    utc = cron
    if view.once is not None:
        # The first minute that has not begun before that time.
        time = from_rfc3339(view.once).astimezone(UTC) + timedelta(seconds=59)
        cron = utc = f"{time.minute} {time.hour} {time.day} {time.month} *"
    elif view.cron is not None and (plain := _plain(view.cron)):
        cron, zone = plain, view.timezone
        utc = cron if zone == "UTC" else _EACH_MINUTE
    deadline = 300 if view.catch_up == "none" else 3600
    return Times(cron, zone, utc, deadline, view.overlap == "allow")


def _plain(cron: str) -> str | None:
    """The expression as Kubernetes reads it; None if it has no form for that.

    Where day and weekday are restricted, Kubernetes may create Jobs at more times than Debian's
    cron, and these do nothing.
    """
    from cronsim import CronSim

    times = CronSim(cron, datetime(2026, 1, 1))  # noqa: DTZ001  # only its fields are read
    weekdays = {day % 7 for day in times.weekdays if isinstance(day, int)}  # 7 is rejected
    if min(times.days) < 1 or any(not isinstance(day, int) for day in times.weekdays):
        return None  # such as the last day of the month
    fields = (
        (times.minutes, range(60)),
        (times.hours, range(24)),
        (times.days, range(1, 32)),
        (times.months, range(1, 13)),
        (weekdays, range(7)),
    )
    return " ".join(_listed(numbers, of) for numbers, of in fields)


def _listed(numbers: set[int], of: range) -> str:
    return "*" if {*of} <= numbers else ",".join(str(each) for each in sorted(numbers))
