"""The MLflow client of this process, which has one server and one user at a time.

MLflow reads the server's address from a global variable and the rest from the environment, for the
whole process. Both are set while a server is in use and restored afterwards. A thread that needs
another server waits until then.
"""

import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from stackfold.domain.errors import TrackerUnavailable
from stackfold.infrastructure.flavors.mlflow.errors import database_errors, first_line, problem
from stackfold.infrastructure.flavors.mlflow.local_store import LocalStore

_POLL_INTERVAL = 0.1
_condition = threading.Condition()


class Settings(NamedTuple):
    """The server, the credentials and the limits of requests."""

    uri: str
    username: str | None
    password: str | None
    token: str | None
    insecure_tls: bool
    timeout: int
    """Seconds until one request times out."""
    retries: int
    """How often a failed request is repeated, after 0, 2, 4, 8… seconds."""
    local: LocalStore | None = None
    """Where runs are stored if there is no server."""

    def stored_in(self, local: LocalStore) -> "Settings":
        """Return the settings for a database or a folder."""
        return self._replace(uri=local.uri, local=local)

    @property
    def variables(self) -> dict[str, str | None]:
        """The environment variables for MLflow; None for those to remove."""
        return {
            "MLFLOW_TRACKING_URI": self.uri,
            "MLFLOW_TRACKING_USERNAME": self.username,
            "MLFLOW_TRACKING_PASSWORD": self.password,
            "MLFLOW_TRACKING_TOKEN": self.token,
            "MLFLOW_TRACKING_INSECURE_TLS": "true" if self.insecure_tls else None,
            "MLFLOW_HTTP_REQUEST_TIMEOUT": str(self.timeout),
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": str(self.retries),
            "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
            # Set for each step; see `mlflow.run.active`.
            "MLFLOW_EXPERIMENT_ID": None,
            "MLFLOW_EXPERIMENT_NAME": None,
            "MLFLOW_RUN_ID": None,
            "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
            # MLflow 3.13 and later open a folder only if they are asked to.
            "MLFLOW_ALLOW_FILE_STORE": "true" if self.local else None,
            # For experiments that a step creates; by default in the current folder.
            "_MLFLOW_SERVER_ARTIFACT_ROOT": self.local.artifacts if self.local else None,
        }


class _InUse:
    """The server that the process is using."""

    settings: Settings | None = None
    users = 0
    before: tuple[str | None, dict[str, str | None]] = (None, {})


@contextmanager
def connected(settings: Settings, timeout: float | None = None) -> Iterator[Any]:
    """Connect MLflow's functions in this process to a server for the block.

    Args:
        settings: The server.
        timeout: Seconds to wait while another server is in use; None for no limit.

    Yields:
        An `MlflowClient` of the server.

    Raises:
        TrackerUnavailable: Another server is in use.
    """
    from mlflow import MlflowClient

    _enter(settings, timeout)
    try:
        yield _opened(settings) if settings.local else MlflowClient(settings.uri)
    finally:
        _leave()


def _opened(settings: Settings) -> Any:
    """The client of a database or folder, which it creates."""
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    local = settings.local
    assert local is not None  # noqa: S101  # checked by the caller
    with suppress(ImportError):  # `turn` reports it
        if local.is_database:
            import mlflow.store.tracking.sqlalchemy_store  # noqa: F401  # before others must wait
    with local.turn(), quiet():
        try:
            return MlflowClient(settings.uri)
        except (MlflowException, OSError, *database_errors()) as error:
            raise TrackerUnavailable(local.path, problem(error) or first_line(error)) from None


@contextmanager
def quiet() -> Iterator[None]:
    """Hide what MLflow reports about the creation of a database."""
    logger = logging.getLogger("mlflow.store.db.utils")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def _enter(settings: Settings, timeout: float | None) -> None:
    deadline = None if timeout is None else time.monotonic() + timeout
    with _condition:
        while _InUse.users and _InUse.settings != settings:
            if deadline is not None and time.monotonic() > deadline:
                problem = "a step of this process is using another MLflow server"
                raise TrackerUnavailable(settings.uri, problem)
            _condition.wait(_POLL_INTERVAL)  # in short steps, so that it can be interrupted
        if not _InUse.users:
            _InUse.before = _set(settings.uri, settings.variables)
            _InUse.settings = settings
        _InUse.users += 1


def _leave() -> None:
    with _condition:
        _InUse.users -= 1
        if not _InUse.users:
            _set(*_InUse.before)
            _condition.notify_all()


def _set(uri: str | None, variables: dict[str, str | None]) -> tuple[str | None, dict[str, Any]]:
    """Set MLflow's address and environment, and return the previous ones."""
    import mlflow
    from mlflow.tracking._tracking_service import utils

    previous = utils._tracking_uri, {name: os.environ.get(name) for name in variables}
    mlflow.set_tracking_uri(uri)  # None removes it
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    return previous
