"""The experiment tracker `mlflow`."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from stackfold.application import ports
from stackfold.application.ports import Secret
from stackfold.application.ports.experiment_tracker import (
    ExperimentTracker,
    Ids,
    OnUnavailable,
    StepRecord,
    TrackedRun,
    TrackedStep,
)
from stackfold.domain.errors import TrackerUnavailable
from stackfold.infrastructure.flavors.mlflow.client import Settings, connected
from stackfold.infrastructure.flavors.mlflow.errors import first_line, problem
from stackfold.infrastructure.flavors.mlflow.run import (
    MlflowRecord,
    active,
    log_parameters,
    nowhere,
)
from stackfold.infrastructure.flavors.mlflow.store_lock import Constraint
from stackfold.infrastructure.system.loopback import is_loopback

_STATUS = {"completed": "FINISHED", "failed": "FAILED", "cancelled": "KILLED"}
_PARENT = "mlflow.parentRunId"


class MlflowExperimentTracker(ExperimentTracker):
    """Tracks runs on an MLflow server: one for a run of a pipeline, and one below it per step."""

    flavor = "mlflow"

    class Configuration(ports.Configuration):
        """Where the server is, who may use it, and what its runs are called."""

        tracking_uri: str = Field(description="The server: https://host:port.")
        tracking_username: Secret | None = Field(
            None, description="The account to log in with, as a reference {{secret.key}}."
        )
        tracking_password: Secret | None = Field(
            None, description="Its password, as a reference {{secret.key}}."
        )
        tracking_token: Secret | None = Field(
            None,
            description="A token to log in with instead, as a reference {{secret.key}}.",
        )
        tracking_insecure_tls: bool = Field(
            False, description="Whether a server with a certificate that nobody signed is trusted."
        )
        experiment_name: str | None = Field(
            None,
            min_length=1,
            description="The experiment that runs go to; by default each pipeline has one of its "
            "name. It is made if it is not there.",
        )
        nested: bool = Field(
            True,
            description="Whether each step has a run of its own below that of the pipeline's run; "
            "else all go into that one, and parameters bear the name of their step.",
        )
        tags: dict[str, str] = Field({}, description="Tags that every run gets there.")
        strict: bool = Field(
            False,
            description="Whether a run fails if the server is unavailable. Otherwise one line says "
            "so and the run goes on without it.",
        )
        timeout: int = Field(
            10, ge=1, le=300, description="Seconds that one request to the server may take."
        )
        retries: int = Field(
            2,
            ge=0,
            le=7,
            description="How often a request that failed is repeated, after 0, 2, 4, 8… seconds.",
        )

        @field_validator("tracking_uri")
        @classmethod
        def _is_a_server(cls, uri: str) -> str:
            # What is wrong with it must not be repeated: it may hold a password.
            parts = urlsplit(uri)
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                raise ValueError("must be http://host:port or https://host:port")
            if "@" in parts.netloc:
                raise ValueError("may hold no password: give tracking_password")
            return uri.rstrip("/")

    configuration: Configuration

    @property
    def strict(self) -> bool:  # type: ignore[override]
        """Whether runs fail if the server is unavailable."""
        return self.configuration.strict

    @property
    def is_remote(self) -> bool:  # type: ignore[override]
        """Whether other machines can reach the server."""
        host = urlsplit(self.configuration.tracking_uri).hostname or ""
        return not is_loopback(host)

    def begin_run(self, run: TrackedRun, known: Ids | None) -> Ids:
        with self._connected() as client, self._in_plain_words():
            if known:
                client.update_run(known["run_id"], status="RUNNING")
                return known
            experiment = self._experiment(client, run.pipeline)
            tags = {**self.configuration.tags, **run.facts}
            made = client.create_run(experiment, run_name=run.name, tags=tags)
            log_parameters(client, made.info.run_id, run.parameters)
            return self._ids(experiment, made.info.run_id)

    def end_run(self, ids: Ids, status: str) -> None:
        with self._connected() as client, self._in_plain_words():
            below = f"tags.`{_PARENT}` = '{ids['run_id']}' and attributes.status = 'RUNNING'"
            # Their processes died before they could say so.
            for step in client.search_runs([ids["experiment_id"]], below):
                client.set_terminated(step.info.run_id, "KILLED")
            client.set_terminated(ids["run_id"], _STATUS[status])

    @contextmanager
    def track(self, step: TrackedStep, on_unavailable: OnUnavailable) -> Iterator[StepRecord]:
        with connected(self._settings()) as client, ExitStack() as block:
            run, ids = self._run_for(client, step, on_unavailable)
            if not self.configuration.strict:
                guard = block.enter_context(
                    Constraint(run.info.run_id, self._place, on_unavailable)
                )
                if ids is None:
                    guard.close()
            record = MlflowRecord(
                client, run.info.run_id, ids or {}, self._prefix(step), self._in_plain_words
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
                    with self._in_plain_words():
                        client.set_terminated(run.info.run_id, status)

    def check_connection(self) -> None:
        """List an experiment, without repeating what fails."""
        settings = self._settings()._replace(retries=0)
        with connected(settings, settings.timeout) as client, self._in_plain_words():
            client.search_experiments(max_results=1)

    # -- how it is done

    @property
    def _place(self) -> str:
        return self.configuration.tracking_uri

    def _prefix(self, step: TrackedStep) -> str:
        return "" if self.configuration.nested else f"{step.name}."

    def _run_for(
        self, client: Any, step: TrackedStep, on_unavailable: OnUnavailable
    ) -> tuple[Any, Ids | None]:
        """The step's run on the server, and what finds it; one that is nowhere, and None."""
        if step.ids is None:
            return nowhere(), None
        try:
            with self._in_plain_words():
                return self._begun(client, step, step.ids)
        except TrackerUnavailable as error:
            if self.configuration.strict or not step.native:
                raise
            on_unavailable(error)
            return nowhere(), None

    def _begun(self, client: Any, step: TrackedStep, parent: Ids) -> tuple[Any, Ids]:
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
        """The experiment's id; it is made if it is not there."""
        from mlflow.exceptions import MlflowException

        name = self.configuration.experiment_name or pipeline
        found = client.get_experiment_by_name(name)
        if found is None:
            try:
                return str(client.create_experiment(name))
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
                # Somebody else was faster.
                found = client.get_experiment_by_name(name)
        if found.lifecycle_stage != "active":
            what = f"its experiment {name!r} was deleted: restore it, or correct experiment_name"
            raise TrackerUnavailable(self._place, what)
        return str(found.experiment_id)

    def _ids(self, experiment: str, run: str) -> Mapping[str, Any]:
        url = f"{self._place}/#/experiments/{experiment}/runs/{run}"
        return {"experiment_id": experiment, "run_id": run, "url": url}

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        with connected(self._settings(), self.configuration.timeout) as client:
            yield client

    def _settings(self) -> Settings:
        given = self.configuration
        return Settings(
            uri=given.tracking_uri,
            username=self.secret(given.tracking_username) if given.tracking_username else None,
            password=self.secret(given.tracking_password) if given.tracking_password else None,
            token=self.secret(given.tracking_token) if given.tracking_token else None,
            insecure_tls=given.tracking_insecure_tls,
            timeout=given.timeout,
            retries=given.retries,
        )

    @contextmanager
    def _in_plain_words(self) -> Iterator[None]:
        """Say in one line what MLflow's client says in many."""
        from mlflow.exceptions import MlflowException

        try:
            yield
        except (MlflowException, OSError) as error:  # those of requests are an OSError
            raise TrackerUnavailable(self._place, problem(error) or first_line(error)) from None
