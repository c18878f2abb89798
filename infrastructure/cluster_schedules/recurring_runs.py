"""Makes recurring runs of Kubeflow from schedules, in the Kubeflow of their stack."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stackfold.application.schedules.views import ScheduleView
from stackfold.domain.errors import InvalidSchedule
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.cluster_schedules import cluster

if TYPE_CHECKING:
    from stackfold.application.stacks.stack_resolver import StackResolver
    from stackfold.domain.runs.pin import Pin
    from stackfold.infrastructure.flavors.kubeflow.orchestrator import KubeflowOrchestrator
    from stackfold.infrastructure.flavors.kubeflow.recurring_run import (
        RecurringRun,
        RecurringRunApi,
    )

_OBJECT = "a recurring run"


class KubeflowRecurringRuns:
    """Prints, applies and deletes the recurring runs of schedules."""

    def __init__(self, home: Path, resolver: "StackResolver") -> None:
        """Create it.

        Args:
            home: The folder of the workspace.
            resolver: Pins stacks, and builds their components.
        """
        self._home = home
        self._resolver = resolver

    def manifest(self, view: ScheduleView, store_secret: str | None) -> str:
        """The recurring run of a schedule, as YAML; see `Schedules.recurring_run`."""
        run, _ = self._recurring_run(view, store_secret)
        return run.as_yaml()

    def apply(self, view: ScheduleView, store_secret: str | None) -> tuple[str, Sequence[str]]:
        """Create or replace the recurring run; see `Schedules.apply_recurring_run`."""
        run, orchestrator = self._recurring_run(view, store_secret)
        return run.name, _api(orchestrator).apply(run)

    def delete(self, view: ScheduleView) -> Sequence[str]:
        """Delete the recurring runs of a schedule; see `Schedules.delete_recurring_run`."""
        _, orchestrator = self._orchestrator(view)
        return _api(orchestrator).delete(view.id)

    def _recurring_run(
        self, view: ScheduleView, store_secret: str | None
    ) -> "tuple[RecurringRun, KubeflowOrchestrator]":
        from stackfold.infrastructure.flavors.kubeflow.recurring_run import recurring_run

        times = cluster.cluster_times(view, _OBJECT)
        pin, orchestrator = self._orchestrator(view)
        settings = orchestrator.configuration
        component = cluster.Component(
            "kubeflow",
            settings.image,
            settings.environment,
            settings.secret_environment,
            settings.on_this_machine,
        )
        pods = cluster.pods_of(component, self._home, store_secret)
        cluster.must_be_ready(view, pin, component, pods, self._home, _OBJECT)
        run = recurring_run(
            view.id,
            view.name,
            times.with_seconds,
            view.overlap == "allow",
            settings,
            pods.image,
            pods.environment,
            pods.secret_variables,
            cluster.command(view),
        )
        return run, orchestrator

    def _orchestrator(self, view: ScheduleView) -> "tuple[Pin, KubeflowOrchestrator]":
        from stackfold.infrastructure.flavors.kubeflow.orchestrator import KubeflowOrchestrator

        pin = cluster.pin_of(view, self._resolver)
        pinned = pin.component(ComponentType.ORCHESTRATOR)
        built = self._resolver.built(pinned) if pinned else None
        if not isinstance(built, KubeflowOrchestrator):
            raise InvalidSchedule(
                f"schedule {view.name!r}",
                f"has no Kubeflow: stack {pin.stack!r} has no orchestrator of the flavor "
                "'kubeflow'",
            )
        return pin, built


def _api(orchestrator: "KubeflowOrchestrator") -> "RecurringRunApi":
    from stackfold.infrastructure.flavors.kubeflow.recurring_run import RecurringRunApi

    return RecurringRunApi(orchestrator.configuration, orchestrator.secret)
