"""One run of MLflow's: what it is told, and being the active one."""

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
"""So many parameters at most go into one request,"""
_METRICS = 1000
"""and so many metrics."""

PlainWords = Callable[[], AbstractContextManager[None]]
"""A block that says in one line what MLflow's client says in many."""


class MlflowRecord:
    """What MLflow keeps of a step; see `StepRecord`."""

    def __init__(
        self, client: Any, run: str, ids: Ids, prefix: str, in_plain_words: PlainWords
    ) -> None:
        """Tell `client` of the run with that id.

        Args:
            client: An `MlflowClient`.
            run: The run's id.
            ids: What finds it; nothing if it is nowhere.
            prefix: What the names of parameters begin with.
            in_plain_words: The block in which the server is told.
        """
        self.ids = ids
        self._client = client
        self._run = run
        self._prefix = prefix
        self._in_plain_words = in_plain_words

    def log_metrics(self, metrics: Mapping[str, float], step: int | None) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        told = [Metric(name, value, now, step or 0) for name, value in metrics.items()]
        with self._in_plain_words():
            for some in _in_parts(told, _METRICS):
                self._client.log_batch(self._run, metrics=some)

    def log_parameters(self, parameters: Mapping[str, Any]) -> None:
        with self._in_plain_words():
            log_parameters(self._client, self._run, parameters, self._prefix)

    def log_artifact(self, path: Path, name: str) -> None:
        with self._in_plain_words():
            if path.is_dir():
                self._client.log_artifacts(self._run, str(path), name)
                return
            *folders, last = name.split("/")
            with _called(path, last) as file:
                self._client.log_artifact(self._run, str(file), "/".join(folders) or None)

    def log_model(self, path: Path, name: str) -> None:
        from mlflow.entities import LoggedModelOutput

        if not self.ids:
            return
        with self._in_plain_words():
            model = self._client.create_logged_model(
                self.ids["experiment_id"], name=name, source_run_id=self._run
            )
            with _folder(path) as folder:
                self._client.log_model_artifacts(model.model_id, str(folder))
            self._client.finalize_logged_model(model.model_id, "READY")
            self._client.log_outputs(self._run, [LoggedModelOutput(model.model_id, 0)])


def log_parameters(client: Any, run: str, parameters: Mapping[str, Any], prefix: str = "") -> None:
    """Tell a run its parameters; MLflow keeps them as text."""
    from mlflow.entities import Param

    told = [Param(f"{prefix}{name}", _text(value)) for name, value in parameters.items()]
    for some in _in_parts(told, _PARAMETERS):
        client.log_batch(run, params=some)


def nowhere() -> Any:
    """A run that no server knows, for what is told while none can be reached."""
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
    """In the block, MLflow's own functions, called in this thread, speak of the run.

    Not by `mlflow.start_run`, which refuses a run of another experiment than the one that the
    user's code may have chosen, and asks the server three times.
    """
    from mlflow.tracking.fluent import ActiveRun, _active_run_stack, end_run

    mine = ActiveRun(run)
    # For the runs that the step starts itself; set back with the rest of the environment.
    os.environ["MLFLOW_EXPERIMENT_ID"] = run.info.experiment_id
    _active_run_stack.get().append(mine)
    try:
        yield
    finally:
        # Those that the step has started and left open are in the way.
        while (runs := _active_run_stack.get()) and runs[-1] is not mine and _holds(runs, mine):
            with suppress(Exception):  # the server is away: they stay as they are
                end_run()
        if runs and runs[-1] is mine:
            runs.pop()


def _holds(runs: list[Any], mine: Any) -> bool:
    return any(run is mine for run in runs)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _in_parts(all: list[Any], most: int) -> Iterator[list[Any]]:
    for begin in range(0, len(all), most):
        yield all[begin : begin + most]


@contextmanager
def _called(path: Path, name: str) -> Iterator[Path]:
    """A file under the name that it shall have on the server."""
    if path.name == name:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="stackfold-") as folder:
        copyfile(path, Path(folder, name))
        yield Path(folder, name)


@contextmanager
def _folder(path: Path) -> Iterator[Path]:
    """A folder that holds a file, or the folder itself."""
    if path.is_dir():
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="stackfold-") as folder:
        copyfile(path, Path(folder, path.name))
        yield Path(folder)
