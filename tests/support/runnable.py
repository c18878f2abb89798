"""Steps and pipelines for tests of what happens when they run."""

from typing import Annotated

from stackfold.domain.pipelines.pipeline import Pipeline, step
from stackfold.domain.stacks.component_type import ComponentType

STORE = ComponentType.ARTIFACT_STORE
OPERATOR = ComponentType.STEP_OPERATOR


@step
def load(rows: int = 4) -> list[int]:
    return list(range(rows))


@step
def split(data: list[int]) -> tuple[Annotated[list[int], "left"], Annotated[list[int], "right"]]:
    return data[:2], data[2:]


@step
def total(data: list[int], factor: float = 1.0) -> float:
    return sum(data) * factor


@step
def forget(value: float) -> None:
    pass


@Pipeline
def training(rows: int = 4, factor: float = 2.0):
    left, right = split(load(rows))
    forget(total(left, factor))
    total(right)


def single(function, **options):
    """A pipeline of one step."""
    only = step(name="only", **options)(function)

    def alone():
        only()

    return Pipeline(alone)


class RecordingListener:
    """Records the events of a run."""

    def __init__(self):
        self.events = []

    def run_started(self, run, steps, completed):
        self.events.append(("run", list(steps), list(completed)))

    def step_started(self, step):
        self.events.append(("begins", step))

    def step_retried(self, step, attempt, reason, delay):
        self.events.append(("again", step, attempt, reason, delay))

    def step_ended(self, end):
        self.events.append((end.status, end.step, end.reason))

    def run_ended(self, status):
        self.events.append(("ends", status))
