"""One run of W&B's: what it is told, and being the one that `wandb.log` speaks of."""

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

_mine: ContextVar[Any] = ContextVar("wandb_run", default=None)
_open: list[Any] = []
_turn = threading.Lock()

_OF_THE_RUN = (
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
"""What the module `wandb` offers of the run that is the process's."""


class WandbRecord:
    """What W&B keeps of a step; see `StepRecord`."""

    def __init__(self, run: Any, ids: Ids) -> None:
        """Tell `run`, which `ids` find again."""
        self.ids = ids
        self._run = run

    def log_metrics(self, metrics: Mapping[str, float], step: int | None) -> None:
        self._run.log(dict(metrics), step=step)

    def log_parameters(self, parameters: Mapping[str, Any]) -> None:
        self._run.config.update(dict(parameters), allow_val_change=True)

    def log_artifact(self, path: Path, name: str) -> None:
        self._hand_over(path, name, "artifact")

    def log_model(self, path: Path, name: str) -> None:
        self._hand_over(path, name, "model")

    def _hand_over(self, path: Path, name: str, kind: str) -> None:
        import wandb

        artifact = wandb.Artifact(re.sub(r"[^\w.-]", "-", name), kind)
        if path.is_dir():
            artifact.add_dir(str(path))
        else:
            artifact.add_file(str(path), name=name)
        self._run.log_artifact(artifact)


@contextmanager
def native(run: Any, wanted: bool) -> Iterator[None]:
    """In the block `wandb.run`, `wandb.log` and so on are those of the run, if that is `wanted`.

    Threads that the step starts itself know nothing of the block; theirs are those of the run as
    long as no other step in this process has one.
    """
    if not wanted:
        yield
        return
    _teach()
    token = _mine.set(run)
    with _turn:
        _open.append(run)
    try:
        yield
    finally:
        with _turn:
            _open.remove(run)
        _mine.reset(token)


def _current() -> Any:
    mine = _mine.get()
    if mine is not None:
        return mine
    return _open[0] if len(_open) == 1 else None


def _teach() -> None:
    """Let the module `wandb` answer each thread by the run of its step.

    W&B has one run for the process, which its module offers; threads would log to each other's.
    """
    import wandb

    with _turn:
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
    """What the module `wandb` becomes."""

    run = _attribute("run")


for _name in _OF_THE_RUN:
    setattr(_Wandb, _name, _attribute(_name))
