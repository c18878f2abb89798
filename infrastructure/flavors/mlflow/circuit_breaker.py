"""A circuit breaker for calls of MLflow's client in a step.

MLflow's functions, such as `mlflow.log_metric`, raise in the middle of a step if the server is
unavailable. For a tracker that is not strict their calls are dropped instead, and tried again
after a pause.
"""

import functools
import threading
import time
from collections.abc import Callable
from typing import Any

from stackfold.domain.errors import TrackerUnavailable
from stackfold.infrastructure.flavors.mlflow.errors import problem

PAUSE = 30.0
"""Seconds without calls after one has failed."""

_WRITES = (
    "delete_tag",
    "log_artifact",
    "log_artifacts",
    "log_batch",
    "log_inputs",
    "log_metric",
    "log_param",
    "set_tag",
    "set_terminated",
    "update_run",
)
"""The client's methods that only write, and whose first argument is the id of a run."""

_breakers: dict[str, list["CircuitBreaker"]] = {}
"""Run id → its breakers; several if steps share a run."""
_lock = threading.Lock()
_installed = False


class CircuitBreaker:
    """Drops the writes to one run while the server is unavailable; use it in a `with` block."""

    def __init__(
        self, run: str, server: str, on_unavailable: Callable[[TrackerUnavailable], None]
    ) -> None:
        """Create a breaker for one run.

        Args:
            run: The id of the run in MLflow.
            server: The server's address, for errors.
            on_unavailable: Called when a call fails because the server is unavailable.
        """
        self._run = run
        self._server = server
        self._on_unavailable = on_unavailable
        self._open_until = 0.0

    def __enter__(self) -> "CircuitBreaker":
        _install()
        with _lock:
            _breakers.setdefault(self._run, []).append(self)
        return self

    def __exit__(self, *_: object) -> None:
        with _lock:
            _breakers[self._run].remove(self)
            if not _breakers[self._run]:
                del _breakers[self._run]

    def drop_all(self) -> None:
        """Drop all calls from now on."""
        self._open_until = float("inf")

    def call(self, method: Callable[[], Any]) -> Any:
        """Call a method of the client; returns None if the call is dropped."""
        if time.monotonic() < self._open_until:
            return None
        try:
            return method()
        except Exception as error:
            reason = problem(error)
            if not reason:
                raise
            self._open_until = time.monotonic() + PAUSE
            self._on_unavailable(TrackerUnavailable(self._server, reason))
            return None


def _install() -> None:
    """Wrap the client's methods, once for the process."""
    global _installed  # noqa: PLW0603  # the class is the process's
    from mlflow import MlflowClient

    with _lock:
        if not _installed:
            for name in _WRITES:
                setattr(MlflowClient, name, _wrapped(getattr(MlflowClient, name)))
            _installed = True


def _wrapped(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def wrapper(client: Any, run_id: str, *args: Any, **kwargs: Any) -> Any:
        breakers = _breakers.get(run_id)
        if not breakers:
            return method(client, run_id, *args, **kwargs)
        return breakers[-1].call(lambda: method(client, run_id, *args, **kwargs))

    return wrapper
