"""Recurring runs that run schedules: what they are, and how they are applied and deleted."""

import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from stackfold.domain.errors import EngineUnavailable
from stackfold.infrastructure.flavors.kubeflow.api import KubeflowApi
from stackfold.infrastructure.flavors.kubeflow.pipeline import configure
from stackfold.infrastructure.flavors.kubeflow.settings import KubeflowSettings

SCHEDULE = "schedule"
"""The parameter of the pipeline with the id of the schedule, by which recurring runs are found."""
EXPERIMENT = "Stackfold schedules"
"""The experiment in Kubeflow that lists the runs."""
_MOST_AT_ONCE = 10
"""The most runs of a recurring run that Kubeflow allows at the same time."""


class RecurringRun(NamedTuple):
    """A recurring run, as it is submitted."""

    name: str
    description: str
    cron: str
    """Six fields, of which the first is seconds; in UTC."""
    max_concurrency: int
    schedule: str
    """The id of the schedule."""
    pipeline: str
    """The compiled pipeline, as YAML."""

    def as_yaml(self) -> str:
        """Return the body of the request that creates it, without the id of an experiment."""
        import yaml

        documents = [*yaml.safe_load_all(self.pipeline)]
        specification = documents[0]
        if len(documents) > 1:  # what Kubernetes needs for the pods
            specification = dict(zip(("pipeline_spec", "platform_spec"), documents, strict=True))
        body = {
            "display_name": self.name,
            "description": self.description,
            "mode": "ENABLE",
            "trigger": {"cron_schedule": {"cron": self.cron}},
            "max_concurrency": self.max_concurrency,
            "no_catchup": True,
            "runtime_config": {"parameters": {SCHEDULE: self.schedule}},
            "pipeline_spec": specification,
        }
        return yaml.safe_dump(body, sort_keys=False)


def recurring_run(
    id: str,
    name: str,
    cron: str,
    overlap: bool,
    settings: KubeflowSettings,
    image: str,
    environment: Mapping[str, str],
    secret_variables: Mapping[str, str],
    command: Sequence[str],
) -> RecurringRun:
    """Return the recurring run of a schedule.

    Args:
        id: The id of the schedule.
        name: The name of the schedule.
        cron: Six fields, of which the first is seconds; in UTC.
        overlap: Whether a run is started while the one before is running.
        settings: The settings of pods.
        image: The image of its pods.
        environment: The environment variables of its pods.
        secret_variables: Variable → "name:key" of a secret, beside those of the settings.
        command: The command of its pods, which contains the id of the schedule.
    """
    given = {**settings.secret_environment, **secret_variables}
    settings = settings.model_copy(update={"secret_environment": given})
    pipeline = _compiled(id, settings, image, environment, command)
    most = _MOST_AT_ONCE if overlap else 1
    digest = hashlib.sha256(f"{cron}\n{most}\n{pipeline}".encode()).hexdigest()[:10]
    # Several workspaces may have schedules of the same name.
    title = f"Stackfold schedule {name} ({hashlib.sha256(id.encode()).hexdigest()[:10]})"
    # The digest tells whether it has changed: the API may return a pipeline in another form.
    description = f"Runs the schedule {name!r} by `{' '.join(command[2:])}`. Version {digest}."
    return RecurringRun(title, description, cron, most, id, pipeline)


def _compiled(
    id: str,
    settings: KubeflowSettings,
    image: str,
    environment: Mapping[str, str],
    command: Sequence[str],
) -> str:
    from kfp import compiler, dsl

    def run_schedule(schedule: str) -> dsl.ContainerSpec:
        words = [schedule if each == id else each for each in command]
        return dsl.ContainerSpec(image=image, command=words)

    component: Any = dsl.container_component(run_schedule)

    def pipeline(schedule: str) -> None:
        task = component(schedule=schedule)
        configure(task, settings, environment).set_display_name("run schedule")

    made = dsl.pipeline(name="stackfold-schedule", description="Runs a schedule of Stackfold")(
        pipeline
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "pipeline.yaml")
        compiler.Compiler().compile(made, str(path))
        return path.read_text(encoding="utf-8")


class RecurringRunApi:
    """The recurring runs of schedules in a Kubeflow."""

    def __init__(self, settings: KubeflowSettings, secret: Callable[[str], str]) -> None:
        """Connect.

        Args:
            settings: The address and the credentials.
            secret: Returns the value of a reference to a secret.

        Raises:
            EngineUnavailable: Kubeflow does not respond, or denies access.
        """
        self._api = KubeflowApi(settings, secret)
        self._title = settings.title

    def apply(self, run: RecurringRun) -> list[str]:
        """Create a recurring run unless it exists, and delete others of the same schedule.

        Kubeflow cannot change one, so a changed one is created before the old one is deleted.

        Args:
            run: The recurring run, of `recurring_run`.

        Returns:
            The names of those that were deleted, such as after a schedule was renamed; not of one
            that was replaced.

        Raises:
            EngineUnavailable: Kubeflow does not respond or rejects it, or a recurring run of that
                name does not belong to the schedule.
        """
        found = self._api.recurring_runs()
        for each in found:
            if each.name == run.name and each.parameters.get(SCHEDULE) != run.schedule:
                raise EngineUnavailable(
                    self._title,
                    f"its recurring run {run.name!r} does not belong to this schedule: delete it",
                )
        ours = [each for each in found if each.parameters.get(SCHEDULE) == run.schedule]
        same = (run.name, run.description, True)
        current = next((e for e in ours if (e.name, e.description, e.enabled) == same), None)
        if current is None:
            self._api.create_recurring_run(
                run.pipeline,
                name=run.name,
                description=run.description,
                experiment=EXPERIMENT,
                cron=run.cron,
                max_concurrency=run.max_concurrency,
                parameters={SCHEDULE: run.schedule},
            )
        others = [each for each in ours if each != current]
        for each in others:
            self._api.delete_recurring_run(each.id)
        return [each.name for each in others if each.name != run.name]

    def delete(self, schedule: str) -> list[str]:
        """Delete the recurring runs of a schedule, and return their names.

        Args:
            schedule: The id of the schedule.

        Raises:
            EngineUnavailable: Kubeflow does not respond, or denies it.
        """
        found = [e for e in self._api.recurring_runs() if e.parameters.get(SCHEDULE) == schedule]
        for each in found:
            self._api.delete_recurring_run(each.id)
        return [each.name for each in found]
