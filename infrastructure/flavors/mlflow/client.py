"""The MLflow client of this process, which has one server and one user at a time.

MLflow reads the server's address from a global variable and the rest from the environment. Both
belong to the process. So they are set while somebody uses a server, for all its threads, and set
back afterwards; who wants another server meanwhile has to wait.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from stackfold.domain.errors import TrackerUnavailable

_GLANCE = 0.1
_turn = threading.Condition()


class Settings(NamedTuple):
    """Which server, as whom, and for how long to try."""

    uri: str
    username: str | None
    password: str | None
    token: str | None
    insecure_tls: bool
    timeout: int
    """Seconds that one request may take."""
    retries: int
    """How often a request that failed is repeated; the waits between are 0, 2, 4, 8 seconds…"""

    @property
    def variables(self) -> dict[str, str | None]:
        """The environment that MLflow has to find; None for what must not be there."""
        return {
            "MLFLOW_TRACKING_URI": self.uri,
            "MLFLOW_TRACKING_USERNAME": self.username,
            "MLFLOW_TRACKING_PASSWORD": self.password,
            "MLFLOW_TRACKING_TOKEN": self.token,
            "MLFLOW_TRACKING_INSECURE_TLS": "true" if self.insecure_tls else None,
            "MLFLOW_HTTP_REQUEST_TIMEOUT": str(self.timeout),
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": str(self.retries),
            "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
            # Steps have theirs; see `mlflow.run.active`.
            "MLFLOW_EXPERIMENT_ID": None,
            "MLFLOW_EXPERIMENT_NAME": None,
            "MLFLOW_RUN_ID": None,
            "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        }


class _InUse:
    """What the process uses at the moment."""

    settings: Settings | None = None
    users = 0
    before: tuple[str | None, dict[str, str | None]] = (None, {})


@contextmanager
def connected(settings: Settings, patience: float | None = None) -> Iterator[Any]:
    """While the block is executed, MLflow's functions in this process speak to a server.

    Args:
        settings: Which.
        patience: Seconds to wait for those who use another one; None for as long as it takes.

    Yields:
        An `MlflowClient` of it.

    Raises:
        TrackerUnavailable: Another server is in use.
    """
    from mlflow import MlflowClient

    _enter(settings, patience)
    try:
        yield MlflowClient(settings.uri)
    finally:
        _leave()


def _enter(settings: Settings, patience: float | None) -> None:
    end = None if patience is None else time.monotonic() + patience
    with _turn:
        while _InUse.users and _InUse.settings != settings:
            if end is not None and time.monotonic() > end:
                problem = "a step of this process is using another MLflow server"
                raise TrackerUnavailable(settings.uri, problem)
            _turn.wait(_GLANCE)  # in pieces, so that it can be interrupted
        if not _InUse.users:
            _InUse.before = _set(settings.uri, settings.variables)
            _InUse.settings = settings
        _InUse.users += 1


def _leave() -> None:
    with _turn:
        _InUse.users -= 1
        if not _InUse.users:
            _set(*_InUse.before)
            _turn.notify_all()


def _set(uri: str | None, variables: dict[str, str | None]) -> tuple[str | None, dict[str, Any]]:
    """Set MLflow's address and environment, and return what they were."""
    import mlflow
    from mlflow.tracking._tracking_service import utils

    was = utils._tracking_uri, {name: os.environ.get(name) for name in variables}
    mlflow.set_tracking_uri(uri)  # None stands for none
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    return was
