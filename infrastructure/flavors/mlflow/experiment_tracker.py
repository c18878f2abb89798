"""The experiment tracker `mlflow`."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any

from pydantic import Field

from stackfold.application.ports.experiment_tracker import (
    ExperimentTracker,
    Ids,
    OnUnavailable,
    StepRecord,
    TrackedRun,
    TrackedStep,
)
from stackfold.domain.errors import TrackerUnavailable
from stackfold.infrastructure.flavors.mlflow.circuit_breaker import CircuitBreaker
from stackfold.infrastructure.flavors.mlflow.client import Settings, connected
from stackfold.infrastructure.flavors.mlflow.errors import first_line, problem
from stackfold.infrastructure.flavors.mlflow.run import (
    MlflowRecord,
    active,
    log_parameters,
    offline_run,
)
from stackfold.infrastructure.flavors.mlflow.server_configuration import (
    ServerConfiguration,
    experiment,
)

_STATUS = {"completed": "FINISHED", "failed": "FAILED", "cancelled": "KILLED"}
_PARENT = "mlflow.parentRunId"


class MlflowExperimentTracker(ExperimentTracker):
    """Tracks runs on an MLflow server: a run per pipeline run, with a nested run per step."""

    flavor = "mlflow"

    class Configuration(ServerConfiguration):
        """The server, the credentials, and the names of its runs."""

        experiment_name: str | None = Field(
            None,
            min_length=1,
            description="The experiment of the runs; by default each pipeline has one of its name. "
            "A missing experiment is created.",
        )
        nested: bool = Field(
            True,
            description="Whether each step has a nested run; otherwise all steps share one run, "
            "and the names of parameters begin with the name of the step.",
        )
        tags: dict[str, str] = Field({}, description="Tags of every run.")
        strict: bool = Field(
            False,
            description="Whether a run fails if the server is unavailable. Otherwise it continues "
            "untracked, with one line on stderr.",
        )

    configuration: Configuration

    @property
    def strict(self) -> bool:  # type: ignore[override]
        """Whether runs fail if the server is unavailable."""
        return self.configuration.strict

    @property
    def is_remote(self) -> bool:  # type: ignore[override]
        """Whether other machines can reach the server."""
        return self.configuration.is_remote

    def begin_run(self, run: TrackedRun, known: Ids | None) -> Ids:
        with self._connected() as client, self._errors():
            if known:
                client.update_run(known["run_id"], status="RUNNING")
                return known
            experiment = self._experiment(client, run.pipeline)
            tags = {**self.configuration.tags, **run.facts}
            made = client.create_run(experiment, run_name=run.name, tags=tags)
            log_parameters(client, made.info.run_id, run.parameters)
            return self._ids(experiment, made.info.run_id)

    def end_run(self, ids: Ids, status: str) -> None:
        with self._connected() as client, self._errors():
            nested = f"tags.`{_PARENT}` = '{ids['run_id']}' and attributes.status = 'RUNNING'"
            # Runs of steps whose processes died.
            for step in client.search_runs([ids["experiment_id"]], nested):
                client.set_terminated(step.info.run_id, "KILLED")
            client.set_terminated(ids["run_id"], _STATUS[status])

    @contextmanager
    def track(self, step: TrackedStep, on_unavailable: OnUnavailable) -> Iterator[StepRecord]:
        with connected(self._settings()) as client, ExitStack() as block:
            run, ids = self._run_for(client, step, on_unavailable)
            if not self.configuration.strict:
                breaker = CircuitBreaker(run.info.run_id, self._server, on_unavailable)
                block.enter_context(breaker)
                if ids is None:
                    breaker.drop_all()
            record = MlflowRecord(
                client, run.info.run_id, ids or {}, self._prefix(step), self._errors
            )
            status = "KILLED"
            try:
                with active(run) if step.native else nullcontext():
                    yield record
                status = "FINISHED"
            except (Exception, SystemExit):
                status = "FAILED"
                raise
            finally:
                block.close()
                if ids is not None and self.configuration.nested:
                    with self._errors():
                        client.set_terminated(run.info.run_id, status)

    def check_connection(self) -> None:
        """List an experiment, without retries."""
        settings = self._settings()._replace(retries=0)
        with connected(settings, settings.timeout) as client, self._errors():
            client.search_experiments(max_results=1)

    @property
    def _server(self) -> str:
        return self.configuration.tracking_uri

    def _prefix(self, step: TrackedStep) -> str:
        return "" if self.configuration.nested else f"{step.name}."

    def _run_for(
        self, client: Any, step: TrackedStep, on_unavailable: OnUnavailable
    ) -> tuple[Any, Ids | None]:
        """The step's run and its ids; an offline run and None if the server is unavailable."""
        if step.ids is None:
            return offline_run(), None
        try:
            with self._errors():
                return self._started_run(client, step, step.ids)
        except TrackerUnavailable as error:
            if self.configuration.strict or not step.native:
                raise
            on_unavailable(error)
            return offline_run(), None

    def _started_run(self, client: Any, step: TrackedStep, parent: Ids) -> tuple[Any, Ids]:
        experiment, above = parent["experiment_id"], parent["run_id"]
        if self.configuration.nested:
            facts = {**step.run.facts, "stackfold.step": step.name, _PARENT: above}
            tags = {**self.configuration.tags, **facts}
            run = client.create_run(experiment, run_name=step.name, tags=tags)
        else:
            run = client.get_run(above)
        log_parameters(client, run.info.run_id, step.parameters, self._prefix(step))
        return run, self._ids(experiment, run.info.run_id)

    def _experiment(self, client: Any, pipeline: str) -> str:
        """The experiment's id; a missing experiment is created."""
        return experiment(client, self._server, self.configuration.experiment_name or pipeline)

    def _ids(self, experiment: str, run: str) -> Mapping[str, Any]:
        url = f"{self._server}/#/experiments/{experiment}/runs/{run}"
        return {"experiment_id": experiment, "run_id": run, "url": url}

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        with connected(self._settings(), self.configuration.timeout) as client:
            yield client

    def _settings(self) -> Settings:
        return self.configuration.settings(self.secret)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Raise errors of MLflow's client as TrackerUnavailable, in one line."""
        from mlflow.exceptions import MlflowException

        try:
            yield
        except (MlflowException, OSError) as error:  # errors of requests are OSErrors
            raise TrackerUnavailable(self._server, problem(error) or first_line(error)) from None
