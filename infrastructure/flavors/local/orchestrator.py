"""The orchestrator `local`: executes steps on this machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from pydantic import Field

from stackfold.application import ports
from stackfold.application.ports import Execute, Orchestrator, RunPlan, StepExecutor
from stackfold.application.runs.schedule import Schedule
from stackfold.infrastructure.flavors.step_executors import InlineExecutor
from stackfold.infrastructure.flavors.worker_pool import ExecutorFactory, WorkerPool


class LocalOrchestrator(Orchestrator):
    """Runs the steps on this machine: one after another, or independent ones at once."""

    flavor = "local"

    class Configuration(ports.Configuration):
        """Isolation and parallelism of steps."""

        isolation: Literal["inline", "thread", "process"] = Field(
            "inline",
            description="inline: one step after another, in the process of the run; thread: "
            "independent steps at once, in threads of it; process: at once, in other processes.",
        )
        max_parallel: int | None = Field(
            None,
            ge=1,
            description="How many steps run at once, unless inline; by default as many as there "
            "are cores.",
        )

    configuration: Configuration

    def run(self, plan: RunPlan, execute: Execute) -> None:
        limit = self.configuration.max_parallel or os.cpu_count() or 1
        with self._executors() as new_executor:
            if self.configuration.isolation == "inline" or limit == 1:
                _run_sequentially(plan, execute, new_executor(InlineExecutor()))
            else:
                WorkerPool(plan, execute, new_executor, limit).run()

    @contextmanager
    def _executors(self) -> Iterator[ExecutorFactory]:
        if self.configuration.isolation != "process":
            yield lambda thread: thread
            return
        from stackfold.infrastructure.flavors.local.processes import ProcessPool

        with ProcessPool() as pool:
            yield pool.executor


def _run_sequentially(plan: RunPlan, execute: Execute, executor: StepExecutor) -> None:
    schedule = Schedule(plan)
    while (step := schedule.start_next()) is not None:
        try:
            execute(step, executor)
        except (Exception, SystemExit) as error:
            schedule.failed(step, error)
        else:
            schedule.completed(step)
    if schedule.failure:
        raise schedule.failure
