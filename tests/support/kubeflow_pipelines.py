"""Pipelines for tests of Kubeflow: its processes import this file."""

import os
import time
from pathlib import Path
from typing import Annotated

from stackfold.application.runs.context import get_context
from stackfold.domain.pipelines.pipeline import Pipeline, step


@step
def load(rows: int = 4) -> list[int]:
    print("loading", rows)
    return list(range(rows))


@step(resources={"num_cpus": 0.5, "memory": "512MiB"})
def split(data: list[int]) -> tuple[Annotated[list[int], "left"], Annotated[list[int], "right"]]:
    return data[:2], data[2:]


@step(resources={"num_gpus": 1})
def total(data: list[int], factor: float = 1.0) -> float:
    return sum(data) * factor


@step(enable_cache=False)
def where(value: float) -> int:
    return os.getpid()


@Pipeline
def training(rows: int = 4, factor: float = 2.0):
    left, right = split(load(rows))
    where(total(left, factor))
    total(right)


@step(retries=1, enable_cache=False)
def fail(data: list[int]) -> list[int]:
    print("about to fail")
    raise ValueError("of the step")


@Pipeline
def failing():
    total(fail(load()))
    total(load.with_options(name="other")())


@step(enable_cache=False)
def hang(folder: str) -> int:
    Path(folder, "pid").write_text(str(os.getpid()))
    time.sleep(600)
    return 1


@Pipeline
def hanging(folder: str):
    hang(folder)


@step(enable_cache=False)
def wait(folder: str) -> int:
    while not Path(folder, "go").exists():
        time.sleep(0.1)
    return 1


@Pipeline
def waiting(folder: str):
    wait(folder)


@step(enable_cache=False)
def fix(data: list[int]) -> list[int]:
    if not Path(os.environ["MENDED"]).exists():
        raise ValueError("not yet")
    return data


@Pipeline
def mendable():
    total(fix(load()))


@step(experiment_tracker=True, enable_cache=False)
def train(number: int) -> int:
    import mlflow

    tracker = get_context().tracker
    tracker.log_parameters({"depth": number})
    tracker.log_metrics({"loss": number / 2})
    mlflow.log_metric("again", number / 4)
    return number


@Pipeline
def tracking():
    train(1)
    train(2)
    load()
