"""Keeping steps alive when MLflow's functions, which they call, cannot reach the server.

`mlflow.log_metric` and its like raise then, in the middle of a step. For a step that must go on,
what they would have said is dropped instead, and tried again a while later.
"""

import functools
import threading
import time
from collections.abc import Callable
from typing import Any

from stackfold.domain.errors import TrackerUnavailable
from stackfold.infrastructure.flavors.mlflow.errors import problem

PAUSE = 30.0
"""Seconds for which the server is not asked again."""

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
"""The methods of MLflow's client that only tell something; their first argument is a run's id."""

_guards: dict[str, list["Constraint"]] = {}
"""A run's id → those who guard it; several if steps share a run."""
_turn = threading.Lock()
_installed = False


class Constraint:
    """Stands between a run of MLflow's and those who tell it something, from whatever thread."""

    def __init__(
        self, run: str, place: str, on_unavailable: Callable[[TrackerUnavailable], None]
    ) -> None:
        """Constraint the run with that id.

        Args:
            run: Its id.
            place: The server's address.
            on_unavailable: To be called when the server is away.
        """
        self._run = run
        self._place = place
        self._on_unavailable = on_unavailable
        self._asleep_until = 0.0

    def __enter__(self) -> "Constraint":
        _install()
        with _turn:
            _guards.setdefault(self._run, []).append(self)
        return self

    def __exit__(self, *_: object) -> None:
        with _turn:
            _guards[self._run].remove(self)
            if not _guards[self._run]:
                del _guards[self._run]

    def close(self) -> None:
        """Drop everything from now on."""
        self._asleep_until = float("inf")

    def tell(self, call: Callable[[], Any]) -> Any:
        """Make a call, if there is hope; None if it did not get through."""
        if time.monotonic() < self._asleep_until:
            return None
        try:
            return call()
        except Exception as error:
            what = problem(error)
            if not what:
                raise
            self._asleep_until = time.monotonic() + PAUSE
            self._on_unavailable(TrackerUnavailable(self._place, what))
            return None


def _install() -> None:
    """Let the client's methods ask the guard of their run, if it has one."""
    global _installed  # noqa: PLW0603  # the class is the process's
    from mlflow import MlflowClient

    with _turn:
        if not _installed:
            for name in _WRITES:
                setattr(MlflowClient, name, _guarded(getattr(MlflowClient, name)))
            _installed = True


def _guarded(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def guarded(client: Any, run_id: str, *args: Any, **kwargs: Any) -> Any:
        guards = _guards.get(run_id)
        if not guards:
            return method(client, run_id, *args, **kwargs)
        return guards[-1].tell(lambda: method(client, run_id, *args, **kwargs))

    return guarded
