"""One run of MLflow: writing to it, and making it the active one."""

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from shutil import copyfile
from typing import Any
from uuid import uuid4

from stackfold.application.ports.experiment_tracker import Ids

_PARAMETERS = 100
"""Parameters in one request, at most."""
_METRICS = 1000
"""Metrics in one request, at most."""

TrackerErrors = Callable[[], AbstractContextManager[None]]
"""Creates a block that raises errors of MLflow's client as TrackerUnavailable."""


class MlflowRecord:
    """The record of a step in MLflow; see `StepRecord`."""

    def __init__(self, client: Any, run: str, ids: Ids, prefix: str, errors: TrackerErrors) -> None:
        """Write to the run with an id.

        Args:
            client: An `MlflowClient`.
            run: The run's id.
            ids: The ids to record with the step; empty if the run is on no server.
            prefix: A prefix for the names of parameters.
            errors: Creates the block in which the client is called.
        """
        self.ids = ids
        self._client = client
        self._run = run
        self._prefix = prefix
        self._errors = errors

    def log_metrics(self, metrics: Mapping[str, float], step: int | None) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        entities = [Metric(name, value, now, step or 0) for name, value in metrics.items()]
        with self._errors():
            for batch in _batches(entities, _METRICS):
                self._client.log_batch(self._run, metrics=batch)

    def log_parameters(self, parameters: Mapping[str, Any]) -> None:
        with self._errors():
            log_parameters(self._client, self._run, parameters, self._prefix)

    def log_artifact(self, path: Path, name: str) -> None:
        with self._errors():
            if path.is_dir():
                self._client.log_artifacts(self._run, str(path), name)
                return
            *folders, last = name.split("/")
            with _renamed(path, last) as file:
                self._client.log_artifact(self._run, str(file), "/".join(folders) or None)

    def log_model(self, path: Path, name: str) -> None:
        from mlflow.entities import LoggedModelOutput

        if not self.ids:
            return
        with self._errors():
            model = self._client.create_logged_model(
                self.ids["experiment_id"], name=name, source_run_id=self._run
            )
            with _folder(path) as folder:
                self._client.log_model_artifacts(model.model_id, str(folder))
            self._client.finalize_logged_model(model.model_id, "READY")
            self._client.log_outputs(self._run, [LoggedModelOutput(model.model_id, 0)])


def log_parameters(client: Any, run: str, parameters: Mapping[str, Any], prefix: str = "") -> None:
    """Write the parameters of a run; MLflow stores them as text."""
    from mlflow.entities import Param

    entities = [Param(f"{prefix}{name}", _text(value)) for name, value in parameters.items()]
    for batch in _batches(entities, _PARAMETERS):
        client.log_batch(run, params=batch)


def offline_run() -> Any:
    """Create a run that is on no server, for steps while the server is unavailable."""
    from mlflow.entities import Run, RunData, RunInfo

    info = RunInfo(
        run_id=uuid4().hex,
        experiment_id="0",
        user_id="",
        status="RUNNING",
        start_time=int(time.time() * 1000),
        end_time=None,
        lifecycle_stage="active",
    )
    return Run(info, RunData())


@contextmanager
def active(run: Any) -> Iterator[None]:
    """Make a run the active one of this thread, for MLflow's functions, in the block.

    `mlflow.start_run` would reject a run of another experiment than the one that the user's code
    may have set, and sends three requests.
    """
    from mlflow.tracking.fluent import ActiveRun, _active_run_stack, end_run

    active_run = ActiveRun(run)
    # For runs that the step starts itself; restored with the rest of the environment.
    os.environ["MLFLOW_EXPERIMENT_ID"] = run.info.experiment_id
    _active_run_stack.get().append(active_run)
    try:
        yield
    finally:
        # First end the runs that the step started and left open.
        while _is_below_top(runs := _active_run_stack.get(), active_run):
            with suppress(Exception):  # the server is unavailable: they stay open there
                end_run()
        if runs and runs[-1] is active_run:
            runs.pop()


def _is_below_top(runs: list[Any], active_run: Any) -> bool:
    return any(run is active_run for run in runs[:-1])


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _batches(entities: list[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(entities), size):
        yield entities[start : start + size]


@contextmanager
def _renamed(path: Path, name: str) -> Iterator[Path]:
    """A file under the name that it has on the server."""
    if path.name == name:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="stackfold-") as folder:
        copyfile(path, Path(folder, name))
        yield Path(folder, name)


@contextmanager
def _folder(path: Path) -> Iterator[Path]:
    """A folder that contains a file; if the path is a folder, the folder itself."""
    if path.is_dir():
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="stackfold-") as folder:
        copyfile(path, Path(folder, path.name))
        yield Path(folder)
