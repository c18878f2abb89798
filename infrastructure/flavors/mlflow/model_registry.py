"""The model registry `mlflow`."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from pydantic import Field

from stackfold.application.ports.model_registry import (
    ModelRegistry,
    Reference,
    RegisteredVersion,
    VersionToPublish,
)
from stackfold.domain.errors import (
    ModelRegistryRejected,
    ModelRegistryUnavailable,
    TrackerUnavailable,
)
from stackfold.infrastructure.flavors.mlflow.client import connected
from stackfold.infrastructure.flavors.mlflow.errors import first_line, problem
from stackfold.infrastructure.flavors.mlflow.server_configuration import (
    ServerConfiguration,
    experiment,
)

_ID = "stackfold.version_id"
"""The tag that identifies a version of the log."""
_LOCAL = ("", "file")
"""The schemes of addresses that only one machine can read."""
_MISSING = "RESOURCE_DOES_NOT_EXIST"


class MlflowModelRegistry(ModelRegistry):
    """Registers versions on an MLflow server, and moves its aliases."""

    flavor = "mlflow"

    class Configuration(ServerConfiguration):
        """The server, the credentials, and what it is given."""

        upload: bool = Field(
            True,
            description="Whether to upload models to the server. Otherwise its versions refer to "
            "the artifact store, which must not be a local folder.",
        )
        prefix: str = Field(
            "",
            max_length=64,
            pattern=r"^[\w.-]*$",
            description="Begins the names of its registered models, such as prod.",
        )
        experiment_name: str | None = Field(
            None,
            min_length=1,
            description="The experiment of uploaded models; by default that of the pipeline's "
            "name. A missing experiment is created.",
        )
        tags: dict[str, str] = Field({}, description="Tags of every version.")
        strict: bool = Field(
            False,
            description="Whether a promotion ends with an error if the server is unavailable. It "
            "is recorded nevertheless. Otherwise there is one line on stderr.",
        )

    configuration: Configuration

    @property
    def strict(self) -> bool:  # type: ignore[override]
        """Whether promotions raise if the server is unavailable."""
        return self.configuration.strict

    @property
    def is_remote(self) -> bool:  # type: ignore[override]
        """Whether other machines can reach the server."""
        return self.configuration.is_remote

    def publish(self, version: VersionToPublish) -> Reference:
        name = self._name(version.model)
        with self._client() as client:
            found = self._with_id(client, name, version.id)
            if not found:
                source = self._source(client, version)
                self._create_model(client, name)
                client.create_model_version(
                    name,
                    **source,
                    tags=self._tags(version),
                    description=version.description or None,
                    await_creation_for=0,
                )
                found = self._with_id(client, name, version.id)
            first, *others = sorted(found, key=lambda each: int(each.version))
            for each in others:  # another process published it at the same time
                client.delete_model_version(name, each.version)
            return self._reference(name, first.version)

    def set_alias(self, reference: Reference, alias: str) -> None:
        with self._client() as client:
            client.set_registered_model_alias(reference["name"], alias, reference["version"])

    def remove_alias(self, reference: Reference, alias: str) -> None:
        with self._client() as client, _ignoring_missing():
            client.delete_registered_model_alias(reference["name"], alias)

    def withdraw(self, reference: Reference) -> None:
        with self._client() as client, _ignoring_missing():
            client.delete_model_version(reference["name"], reference["version"])

    def versions(self, model: str) -> Sequence[RegisteredVersion]:
        name = self._name(model)
        with self._client() as client:
            aliases: dict[str, list[str]] = {}
            with _ignoring_missing():
                for alias, version in client.get_registered_model(name).aliases.items():
                    aliases.setdefault(str(version), []).append(alias)
            return [
                RegisteredVersion(
                    self._reference(name, each.version),
                    each.tags.get(_ID, ""),
                    sorted(aliases.get(str(each.version), ())),
                )
                for each in self._found(client, f"name = '{name}'")
            ]

    def check_connection(self) -> None:
        """List a registered model, without retries."""
        with self._client(retries=0) as client:
            client.search_registered_models(max_results=1)

    # -- private

    @property
    def _server(self) -> str:
        return self.configuration.tracking_uri

    def _name(self, model: str) -> str:
        return f"{self.configuration.prefix}{model}"

    def _reference(self, name: str, version: Any) -> dict[str, Any]:
        url = f"{self._server}/#/models/{quote(name)}/versions/{version}"
        return {"name": name, "version": str(version), "url": url}

    def _tags(self, version: VersionToPublish) -> dict[str, str]:
        metrics = {f"metric.{name}": repr(value) for name, value in version.metrics.items()}
        tags = {"stackfold.tags": ", ".join(version.tags)} if version.tags else {}
        return {**self.configuration.tags, **metrics, **tags, **version.facts}

    def _source(self, client: Any, version: VersionToPublish) -> dict[str, Any]:
        """What a version refers to: an uploaded model, or the artifact store."""
        run = self._tracked_run(version)
        if not self.configuration.upload:
            if urlsplit(version.uri).scheme in _LOCAL:
                raise ModelRegistryRejected(
                    self._server,
                    f"{version.uri} is a local file: set upload, or use an artifact store that "
                    "others can read",
                )
            return {"source": version.uri, "run_id": run}
        id = self._uploaded(client, version, run)
        return {"source": f"models:/{id}", "run_id": run, "model_id": id}

    def _tracked_run(self, version: VersionToPublish) -> str | None:
        """The id of the run on this server, if it was tracked here."""
        for ids in version.tracked.values():
            if isinstance(ids, Mapping) and str(ids.get("url", "")).startswith(f"{self._server}/"):
                return str(ids["run_id"])
        return None

    def _uploaded(self, client: Any, version: VersionToPublish, run: str | None) -> str:
        """The id of the uploaded model; that of an interrupted attempt is used again."""
        name = self.configuration.experiment_name or version.pipeline or version.model
        there = experiment(client, self._server, name)
        found = client.search_logged_models([there], f"tags.`{_ID}` = '{version.id}'")
        for each in found:
            if str(each.status) == "READY":
                return str(each.model_id)
        model = client.create_logged_model(
            there, name=version.model, source_run_id=run, tags=self._tags(version)
        )
        with tempfile.TemporaryDirectory(prefix="stackfold-") as folder:
            version.copy(Path(folder, "model"))
            client.log_model_artifacts(model.model_id, folder)
        client.finalize_logged_model(model.model_id, "READY")
        return str(model.model_id)

    def _create_model(self, client: Any, name: str) -> None:
        from mlflow.exceptions import MlflowException

        try:
            client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _with_id(self, client: Any, name: str, id: str) -> list[Any]:
        return [*self._found(client, f"name = '{name}' and tags.`{_ID}` = '{id}'")]

    def _found(self, client: Any, condition: str) -> Iterator[Any]:
        token = None
        while True:
            page = client.search_model_versions(condition, page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    @contextmanager
    def _client(self, retries: int | None = None) -> Iterator[Any]:
        """Connect to the server; raises errors of MLflow's client as ours, in one line."""
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException

        settings = self.configuration.settings(self.secret)
        if retries is not None:
            settings = settings._replace(retries=retries)
        try:
            with connected(settings, settings.timeout):
                # Else it would use the registry that MLFLOW_REGISTRY_URI names.
                yield MlflowClient(settings.uri, registry_uri=settings.uri)
        except TrackerUnavailable as error:
            raise ModelRegistryUnavailable(self._server, error.problem) from None
        except (MlflowException, OSError) as error:  # errors of requests are OSErrors
            reason = problem(error)
            if reason:
                raise ModelRegistryUnavailable(self._server, reason) from None
            raise ModelRegistryRejected(self._server, first_line(error)) from None


@contextmanager
def _ignoring_missing() -> Iterator[None]:
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        if error.error_code != _MISSING:
            raise
