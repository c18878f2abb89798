"""What the experiment tracker and the model registry share: the server, and its experiments."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from stackfold.application import ports
from stackfold.application.ports import Secret
from stackfold.domain.errors import TrackerUnavailable
from stackfold.infrastructure.flavors.mlflow.client import Settings
from stackfold.infrastructure.system.loopback import is_loopback


class ServerConfiguration(ports.Configuration):
    """The server, the credentials, and the limits of requests."""

    tracking_uri: str = Field(description="The server: https://host:port.")
    tracking_username: Secret | None = Field(
        None, description="The user name, as a reference {{secret.key}}."
    )
    tracking_password: Secret | None = Field(
        None, description="The password, as a reference {{secret.key}}."
    )
    tracking_token: Secret | None = Field(
        None,
        description="A token instead of a password, as a reference {{secret.key}}.",
    )
    tracking_insecure_tls: bool = Field(
        False, description="Whether to accept a self-signed certificate."
    )
    timeout: int = Field(10, ge=1, le=300, description="Seconds until one request times out.")
    retries: int = Field(
        2,
        ge=0,
        le=7,
        description="How often a failed request is repeated, after 0, 2, 4, 8… seconds.",
    )

    @field_validator("tracking_uri")
    @classmethod
    def _is_a_server(cls, uri: str) -> str:
        return server_address(uri)

    @property
    def is_remote(self) -> bool:
        """Whether other machines can reach the server."""
        return not is_loopback(urlsplit(self.tracking_uri).hostname or "")

    def settings(self, secret: Callable[[str], str]) -> Settings:
        """The settings of MLflow's client.

        Args:
            secret: Returns the secret that a reference stands for.
        """
        return Settings(
            uri=self.tracking_uri,
            username=secret(self.tracking_username) if self.tracking_username else None,
            password=secret(self.tracking_password) if self.tracking_password else None,
            token=secret(self.tracking_token) if self.tracking_token else None,
            insecure_tls=self.tracking_insecure_tls,
            timeout=self.timeout,
            retries=self.retries,
        )


def server_address(uri: str) -> str:
    """Return the URL of a server, without a slash at the end.

    Raises:
        ValueError: It is no such URL. The message does not repeat it, as it may contain a password.
    """
    parts = urlsplit(uri)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be http://host:port or https://host:port")
    if "@" in parts.netloc:
        raise ValueError("may hold no password: give tracking_password")
    return uri.rstrip("/")


def experiment(client: Any, server: str, name: str, artifacts: str | None = None) -> str:
    """The id of an experiment; a missing one is created.

    Args:
        client: An `MlflowClient`.
        server: The server's address, for errors.
        name: The name of the experiment.
        artifacts: The folder of the artifacts of a new one; None for the server's choice.

    Raises:
        TrackerUnavailable: It was deleted.
    """
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return str(client.create_experiment(name, artifacts))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            # Another process has created it in the meantime.
            found = client.get_experiment_by_name(name)
    if found.lifecycle_stage != "active":
        what = f"its experiment {name!r} was deleted: restore it, or correct experiment_name"
        raise TrackerUnavailable(server, what)
    return str(found.experiment_id)
