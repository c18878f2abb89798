"""One run of W&B: writing to it, and making it the one of `wandb.log`."""

import re
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import ModuleType
from typing import Any

from stackfold.application.ports.experiment_tracker import Ids

_run_of_context: ContextVar[Any] = ContextVar("wandb_run", default=None)
_open_runs: list[Any] = []
_lock = threading.Lock()

_RUN_ATTRIBUTES = (
    "alert",
    "config",
    "define_metric",
    "link_model",
    "log",
    "log_artifact",
    "log_model",
    "mark_preempting",
    "save",
    "summary",
    "unwatch",
    "use_artifact",
    "use_model",
    "watch",
)
"""The attributes of the module `wandb` that belong to the run of the process."""


class WandbRecord:
    """The record of a step in W&B; see `StepRecord`."""

    def __init__(self, run: Any, ids: Ids) -> None:
        """Write to `run`, whose `ids` are recorded with the step."""
        self.ids = ids
        self._run = run

    def log_metrics(self, metrics: Mapping[str, float], step: int | None) -> None:
        self._run.log(dict(metrics), step=step)

    def log_parameters(self, parameters: Mapping[str, Any]) -> None:
        self._run.config.update(dict(parameters), allow_val_change=True)

    def log_artifact(self, path: Path, name: str) -> None:
        self._upload(path, name, "artifact")

    def log_model(self, path: Path, name: str) -> None:
        self._upload(path, name, "model")

    def _upload(self, path: Path, name: str, kind: str) -> None:
        import wandb

        artifact = wandb.Artifact(re.sub(r"[^\w.-]", "-", name), kind)
        if path.is_dir():
            artifact.add_dir(str(path))
        else:
            artifact.add_file(str(path), name=name)
        self._run.log_artifact(artifact)


@contextmanager
def native(run: Any, wanted: bool) -> Iterator[None]:
    """Let `wandb.run`, `wandb.log` and so on refer to a run in the block, if that is `wanted`.

    Threads that the step starts are outside of the block. They use the run if no other step of
    this process has one.
    """
    if not wanted:
        yield
        return
    _install()
    token = _run_of_context.set(run)
    with _lock:
        _open_runs.append(run)
    try:
        yield
    finally:
        with _lock:
            _open_runs.remove(run)
        _run_of_context.reset(token)


def _current() -> Any:
    run = _run_of_context.get()
    if run is not None:
        return run
    return _open_runs[0] if len(_open_runs) == 1 else None


def _install() -> None:
    """Let the module `wandb` use the run of the current step in each thread.

    W&B has one run per process, so parallel steps would log to each other's run.
    """
    import wandb

    with _lock:
        if not isinstance(wandb, _Wandb):
            sys.modules["wandb"].__class__ = _Wandb


def _own(module: ModuleType, name: str) -> Any:
    try:
        return module.__dict__[name]
    except KeyError:
        raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}") from None


def _attribute(name: str) -> Any:
    def get(module: ModuleType) -> Any:
        run = _current()
        if run is None:
            return _own(module, name)
        return run if name == "run" else getattr(run, name)

    def set(module: ModuleType, value: Any) -> None:
        module.__dict__[name] = value

    return property(get, set)


class _Wandb(ModuleType):
    """The class of the module `wandb` once `_install` was called."""

    run = _attribute("run")


for _name in _RUN_ATTRIBUTES:
    setattr(_Wandb, _name, _attribute(_name))
