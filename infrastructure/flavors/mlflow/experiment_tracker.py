"""The experiment tracker `mlflow`."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any
from uuid import uuid4

from pydantic import Field, field_validator

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
from stackfold.infrastructure.flavors.mlflow.errors import (
    database_errors,
    first_line,
    problem,
)
from stackfold.infrastructure.flavors.mlflow.local_store import (
    LocalStore,
    is_local,
    valid_address,
)
from stackfold.infrastructure.flavors.mlflow.run import (
    MlflowRecord,
    active,
    log_parameters,
    offline_run,
)
from stackfold.infrastructure.flavors.mlflow.server_configuration import (
    ServerConfiguration,
    experiment,
    server_address,
)

_STATUS = {"completed": "FINISHED", "failed": "FAILED", "cancelled": "KILLED"}
_PARENT = "mlflow.parentRunId"


class MlflowExperimentTracker(ExperimentTracker):
    """Tracks runs in MLflow: a run per pipeline run, with a nested run per step."""

    flavor = "mlflow"

    class Configuration(ServerConfiguration):
        """The server, the credentials, and the names of its runs."""

        tracking_uri: str = Field(
            description="The server: https://host:port. Without a server, a database "
            "sqlite:///FILE or a folder, absolute or relative to Stackfold's home."
        )
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

        @field_validator("tracking_uri")
        @classmethod
        def _is_a_server(cls, uri: str) -> str:
            return valid_address(uri) if is_local(uri) else server_address(uri)

        @property
        def is_remote(self) -> bool:
            """Whether other machines can reach the server."""
            return not is_local(self.tracking_uri) and super().is_remote

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
        with ExitStack() as connection, ExitStack() as block:
            client, step = self._connection_for(step, on_unavailable, connection)
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
        """List an experiment, without retries; a database or folder that is missing stays so."""
        local = self._local
        if local is not None and not local.exists:
            local.check_creatable()
            return
        settings = self._settings()._replace(retries=0)
        with connected(settings, settings.timeout) as client, self._errors():
            client.search_experiments(max_results=1)

    @property
    def _server(self) -> str:
        return self.configuration.tracking_uri

    def _prefix(self, step: TrackedStep) -> str:
        return "" if self.configuration.nested else f"{step.name}."

    def _connection_for(
        self, step: TrackedStep, on_unavailable: OnUnavailable, block: ExitStack
    ) -> tuple[Any, TrackedStep]:
        """A client, and the step, without ids if it cannot be tracked.

        If a database or folder cannot be used, MLflow's functions get one that is deleted
        afterwards: otherwise they would use one in the current folder.
        """
        settings = self._settings()
        try:
            return block.enter_context(connected(settings)), step
        except TrackerUnavailable as error:
            if settings.local is None or self.configuration.strict or not step.native:
                raise
            on_unavailable(error)
        folder = block.enter_context(tempfile.TemporaryDirectory(prefix="stackfold-"))
        nowhere = settings.stored_in(LocalStore(folder, False, self.configuration.timeout))
        return block.enter_context(connected(nowhere)), step._replace(ids=None)

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
        name, local = self.configuration.experiment_name or pipeline, self._local
        if local is None:
            return experiment(client, self._server, name)
        with local.turn():
            # By default, artifacts would be stored in the current folder.
            artifacts = Path(local.artifacts, uuid4().hex).as_uri() if local.is_database else None
            return experiment(client, self._server, name, artifacts)

    def _ids(self, experiment: str, run: str) -> Mapping[str, Any]:
        if self._local is not None:
            return {"experiment_id": experiment, "run_id": run}
        url = f"{self._server}/#/experiments/{experiment}/runs/{run}"
        return {"experiment_id": experiment, "run_id": run, "url": url}

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        with connected(self._settings(), self.configuration.timeout) as client:
            yield client

    @property
    def _local(self) -> LocalStore | None:
        """Where runs are stored if there is no server."""
        given = self.configuration
        if not is_local(given.tracking_uri):
            return None
        return LocalStore.find(given.tracking_uri, self.home, given.timeout)

    def _settings(self) -> Settings:
        settings, local = self.configuration.settings(self.secret), self._local
        return settings.stored_in(local) if local else settings

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Raise errors of MLflow's client as TrackerUnavailable, in one line."""
        from mlflow.exceptions import MlflowException

        try:
            yield
        # Errors of requests are OSErrors.
        except (MlflowException, OSError, *database_errors()) as error:
            raise TrackerUnavailable(self._server, problem(error) or first_line(error)) from None
