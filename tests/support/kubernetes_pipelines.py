"""Pipelines for tests of Kubernetes: its pods import this file."""

import os
import time
from pathlib import Path

from stackfold.domain.pipelines.pipeline import Pipeline, step


@step(enable_cache=False)
def count(to: int, pause: float, folder: str) -> int:
    """Print numbers, and wait for nothing."""
    Path(folder, "pid").write_text(str(os.getpid()))
    for number in range(to):
        print(number)
        time.sleep(pause)
    return to


@Pipeline
def counting(to: int, pause: float, folder: str):
    count(to, pause, folder)


@step(enable_cache=False)
def survive(folder: str) -> int:
    """Return in the second attempt; the first one waits until it is killed."""
    mark = Path(folder, "begun")
    if not mark.exists():
        print("first attempt")
        mark.touch()
        time.sleep(600)
    print("second attempt")
    return 2


@Pipeline
def surviving(folder: str):
    survive(folder)


@step(enable_cache=False, step_operator=True)
def there() -> int:
    return os.getpid()


@step(enable_cache=False)
def here(pid: int) -> list[int]:
    return [pid, os.getpid()]


@Pipeline
def partly():
    here(there())
