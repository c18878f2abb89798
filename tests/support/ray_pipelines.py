"""Pipelines for tests of Ray."""

import os
import sys
import time
from pathlib import Path

from stackfold.application.runs.context import get_context
from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.infrastructure.secrets.environment import Environment


def raylet() -> int:
    """The process that a node of Ray is: the parent of the worker whose child we are."""
    stat = Path(f"/proc/{os.getppid()}/stat").read_text()
    return int(stat.rpartition(")")[2].split()[1])


@step
def here() -> int:
    return raylet()


@step(resources={"num_cpus": 0, "custom": {"spare": 1}})
def on_the_other() -> int:
    return raylet()


@Pipeline
def places():
    here()
    on_the_other()


def wait_for(condition) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + 120
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("it did not happen")
        time.sleep(0.05)


@step(resources={"num_cpus": 1})
def meet(folder: str, number: int) -> int:
    Path(folder, f"here-{number}").touch()
    wait_for(lambda: len([*Path(folder).glob("here-*")]) == 2)
    return raylet()


@Pipeline
def at_once(folder: str):
    meet(folder, 1)
    meet(folder, 2)


@step(retries=1)
def fail() -> int:
    print("about to fail")
    print("and to say so", file=sys.stderr)
    raise ValueError("of the step")


@step
def use(value: int) -> int:
    return value


@Pipeline
def failing():
    use(fail())


@step
def hang(folder: str) -> int:
    Path(folder, "pid").write_text(str(os.getpid()))
    time.sleep(600)
    return 1


@Pipeline
def hanging(folder: str):
    hang(folder)


@Pipeline
def late(folder: str):
    hang.with_options(timeout=2)(folder)


@step(resources={"num_gpus": 64})
def greedy() -> int:
    return 1


@Pipeline
def impossible():
    greedy()


@step
def work(folder: str, number: int) -> int:
    Path(folder, f"began-{number}-{os.getpid()}").touch()
    print("working on", number)
    wait_for(Path(folder, "go").exists)
    return number


@step
def add(one: int, two: int, three: int) -> int:
    return one + two + three


@Pipeline
def adding(folder: str):
    add(work(folder, 1), work(folder, 2), work(folder, 3))


@step(resources={"num_cpus": 0, "custom": {"spare": 1}})
def work_there(folder: str) -> int:
    Path(folder, f"began-0-{os.getpid()}").touch()
    time.sleep(600)
    return 1


@Pipeline
def there(folder: str):
    work_there(folder)


@step(resources={"num_cpus": 0})
def with_ray() -> int:
    import ray

    ray.init(logging_level="ERROR", log_to_driver=False)
    return sum(ray.get([ray.remote(lambda n=n: n).remote() for n in range(4)]))


@Pipeline
def nested():
    with_ray()


@step(step_operator=True)
def elsewhere() -> int:
    return os.getpid()


@Pipeline
def partly():
    elsewhere()


@step
def secret() -> list:
    value = Environment().value("s3", "key") or ""
    seen = {name for name, text in os.environ.items() if value and value in text}
    if value.encode() in Path("/proc/self/environ").read_bytes() and value:
        seen.add("/proc")
    return [len(value), sorted(seen)]


@Pipeline
def asking():
    secret()


@step
def answer() -> int:
    return 42


@Pipeline
def answering():
    answer()


@step(experiment_tracker=True)
def train(number: int) -> int:
    import wandb

    tracker = get_context().tracker
    tracker.log_parameters({"depth": number})
    tracker.log_metrics({"loss": number / 2})
    wandb.log({"again": number / 4})
    return number


@Pipeline
def tracking():
    train(1)
    train(2)
    answer()
