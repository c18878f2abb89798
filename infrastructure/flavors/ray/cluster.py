"""A Ray cluster as a place for steps; what the orchestrator and the step operator `ray` share.

Nothing is left to Ray's own retries: a step's output is taken over piece by piece, and Ray would
mix up that of two executions. `RayCluster` itself begins a step anew when its node has died.
"""

import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from stackfold.application.ports import Result, StepExecutor
from stackfold.application.runs.step_call import StepCall
from stackfold.domain.errors import EngineUnavailable, StepLost, StepProcessDied, StepTimedOut
from stackfold.domain.pipelines.resources import Resources, bytes_of
from stackfold.infrastructure.flavors.local.processes import outcome, portable
from stackfold.infrastructure.flavors.ray.settings import RaySettings
from stackfold.infrastructure.flavors.ray.task import ANSWERED, BEGAN, DIED, LATE, execute
from stackfold.infrastructure.flavors.secret_env import Values, secrets_of
from stackfold.infrastructure.flavors.step_executors import GRACE, InlineExecutor

_GLANCE = 0.2
"""Seconds between two looks whether the wait for a step should end."""


class RayCluster:
    """A cluster that the program is connected to."""

    def __init__(self, ray: Any, settings: RaySettings) -> None:
        """Use the module `ray`, which is connected, according to `settings`."""
        self._ray = ray
        self._settings = settings
        self._task = ray.remote(execute)

    @property
    def cores(self) -> int:
        """How many it has, at least one."""
        return max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def executor(self, thread: InlineExecutor) -> StepExecutor:
        """Its nodes, with `thread` waiting for what they execute."""
        return _OnANode(self, thread)

    def execute(self, call: Callable[[], Result], timeout: float | None = None) -> Result:
        """Execute a call on one of the nodes, handing on what it prints.

        Args:
            call: What to execute.
            timeout: Seconds that it may take from its beginning; None for ever.

        Raises:
            InvalidPipeline: It holds what cannot be sent.
            EngineUnavailable: No node has what it asks for.
            StepLost: One node after another died under it.
            StepProcessDied: Its process ended without an answer.
            StepTimedOut: It took longer.
            BaseException: What it raised.
        """
        request = portable(call)
        secrets = secrets_of(call) if self._settings.send_secrets else {}
        lost = 0
        while True:
            try:
                came: Result = self._attempt(request, timeout, secrets, _resources(call))
                return came
            except self._losses as error:
                lost += 1
                reason = " ".join(str(error).split(". ")[0].split())
                if lost > self._settings.node_retries:
                    raise StepLost(self._settings.title, lost, reason) from None
                sys.stderr.write(f"-- what executed the step died, it begins anew: {reason}\n")

    @property
    def _losses(self) -> tuple[type[Exception], ...]:
        """What Ray raises if something died that is not the step's."""
        known = self._ray.exceptions
        return (known.WorkerCrashedError, known.NodeDiedError, known.OutOfMemoryError,
                known.ObjectLostError, known.LocalRayletDiedError)  # fmt: skip

    def _attempt(
        self, request: bytes, timeout: float | None, secrets: Values, asked: Resources
    ) -> Any:
        wanted = self._wanted(asked)
        task = self._task.options(
            num_returns="streaming",
            max_retries=0,
            name="stackfold step",
            scheduling_strategy="SPREAD" if self._settings.scheduling == "spread" else "DEFAULT",
            **wanted,
        ).remote(request, timeout, self._variables(), secrets)
        try:
            return self._followed(task, timeout, wanted)
        except BaseException:
            self._end(task)
            raise

    def _followed(self, task: Any, timeout: float | None, wanted: Mapping[str, Any]) -> Any:
        end = time.monotonic() + self._settings.patience
        began = False
        while True:
            # Not longer, as Ctrl-C and the end of the run do not reach a thread that waits in C.
            ready, _ = self._ray.wait([task], timeout=_GLANCE)
            if not ready:
                if not began and time.monotonic() > end:
                    self._must_have(wanted)
                    end = time.monotonic() + self._settings.patience
                continue
            try:
                happened, what = self._ray.get(next(task))
            except self._ray.exceptions.RayTaskError as error:
                raise self._in_plain_words(error) from None
            if happened == BEGAN:
                began = True
            elif happened == ANSWERED:
                return outcome(what)
            elif happened == DIED:
                raise StepProcessDied(what)
            elif happened == LATE:
                late = StepTimedOut(timeout or 0.0)
                late.add_note(what)
                raise late
            else:
                getattr(sys, happened).write(what)

    def _end(self, task: Any) -> None:
        """End a task, and wait for that, but not for ever; what it still says is handed on."""
        with suppress(Exception):  # it has ended by itself, or its node is gone
            self._ray.cancel(task)
            end = time.monotonic() + 2 * GRACE
            # Until the task has completed, reading the end of its stream may block for ever.
            while not self._ray.wait([task.completed()], timeout=_GLANCE)[0]:
                if time.monotonic() > end:
                    return
            for each in task:
                happened, what = self._ray.get(each)
                if happened in {"stdout", "stderr"}:
                    getattr(sys, happened).write(what)

    def _wanted(self, asked: Resources) -> dict[str, Any]:
        """What Ray shall give a step, as options of a task."""
        given = self._settings
        memory = asked.memory or given.memory
        cpus, gpus = asked.num_cpus, asked.num_gpus
        return {
            "num_cpus": given.num_cpus if cpus is None else cpus,
            "num_gpus": given.num_gpus if gpus is None else gpus,
            "memory": bytes_of(memory) if memory else None,
            "resources": {**given.custom_resources, **asked.custom} or None,
        }

    def _must_have(self, wanted: Mapping[str, Any]) -> None:
        """Refuse what no node of the cluster has, busy or not."""
        amounts = {
            "CPU": wanted["num_cpus"],
            "GPU": wanted["num_gpus"],
            "memory": wanted["memory"] or 0,
            **(wanted["resources"] or {}),
        }
        nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        if any(all(has.get(name, 0) >= amounts[name] for name in amounts) for has in nodes):
            return
        asks = ", ".join(f"{name} {amount:g}" for name, amount in amounts.items() if amount)
        problem = f"none of its {len(nodes)} nodes has what the step asks for: {asks}"
        raise EngineUnavailable(self._settings.title, problem)

    def _in_plain_words(self, error: Exception) -> Exception:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        problem = lines[-1] if lines else type(error).__name__
        if "No module named 'stackfold" in str(error) or "failed to import" in str(error):
            problem = (
                "its nodes lack Stackfold, or have another version: install it there, or name it "
                'in runtime_env as {"pip": ["stackfold"]}'
            )
        return EngineUnavailable(self._settings.title, problem)

    def _variables(self) -> dict[str, str]:
        # A step that uses Ray itself uses the cluster that it is executed on.
        return {"RAY_ADDRESS": self._ray.get_runtime_context().gcs_address}


class _OnANode:
    def __init__(self, cluster: RayCluster, thread: InlineExecutor) -> None:
        self._cluster = cluster
        self._thread = thread

    def execute(self, call: Callable[[], Result], timeout: float | None = None) -> Result:
        return self._thread.run_inline(lambda: self._cluster.execute(call, timeout))

    def run_inline(self, call: Callable[[], Result]) -> Result:
        return self._thread.run_inline(call)


def _resources(call: Callable[[], object]) -> Resources:
    asked = call.step.options.resources if isinstance(call, StepCall) else None
    return asked or Resources()
