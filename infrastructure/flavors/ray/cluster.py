"""Executes steps on a Ray cluster, for the orchestrator and the step operator `ray`.

Ray's own retries are disabled: the output of a step is streamed, and Ray would mix that of two
executions. `RayCluster` restarts a step whose node has died.
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

_POLL_INTERVAL = 0.2
"""Seconds between two checks whether to stop waiting for a step."""


class RayCluster:
    """A cluster to which the program is connected."""

    def __init__(self, ray: Any, settings: RaySettings) -> None:
        """Use the module `ray`, which is connected to the cluster of `settings`."""
        self._ray = ray
        self._settings = settings
        self._task = ray.remote(execute)

    @property
    def cores(self) -> int:
        """The number of cores of the cluster, at least one."""
        return max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def executor(self, thread: InlineExecutor) -> StepExecutor:
        """Return an executor on the nodes; `thread` waits for the results."""
        return _NodeExecutor(self, thread)

    def execute(self, call: Callable[[], Result], timeout: float | None = None) -> Result:
        """Execute a call on one of the nodes, and print its output here.

        Args:
            call: The call.
            timeout: Seconds from its start until it times out; None for no limit.

        Raises:
            InvalidPipeline: The call cannot be sent.
            EngineUnavailable: No node has the resources that it requests.
            StepLost: Its node died, more often than `node_retries`.
            StepProcessDied: Its process ended without a result.
            StepTimedOut: It timed out.
            BaseException: The error that the call raised.
        """
        request = portable(call)
        secrets = secrets_of(call) if self._settings.send_secrets else {}
        lost = 0
        while True:
            try:
                result: Result = self._attempt(request, timeout, secrets, _resources(call))
                return result
            except self._losses as error:
                lost += 1
                reason = " ".join(str(error).split(". ")[0].split())
                if lost > self._settings.node_retries:
                    raise StepLost(self._settings.title, lost, reason) from None
                sys.stderr.write(f"-- what executed the step died, it begins again: {reason}\n")

    @property
    def _losses(self) -> tuple[type[Exception], ...]:
        """Ray's errors if a node or a process of Ray died."""
        errors = self._ray.exceptions
        return (errors.WorkerCrashedError, errors.NodeDiedError, errors.OutOfMemoryError,
                errors.ObjectLostError, errors.LocalRayletDiedError)  # fmt: skip

    def _attempt(
        self, request: bytes, timeout: float | None, secrets: Values, requested: Resources
    ) -> Any:
        options = self._task_options(requested)
        task = self._task.options(
            num_returns="streaming",
            max_retries=0,
            name="stackfold step",
            scheduling_strategy="SPREAD" if self._settings.scheduling == "spread" else "DEFAULT",
            **options,
        ).remote(request, timeout, self._variables(), secrets)
        try:
            return self._wait(task, timeout, options)
        except BaseException:
            self._end(task)
            raise

    def _wait(self, task: Any, timeout: float | None, options: Mapping[str, Any]) -> Any:
        deadline = time.monotonic() + self._settings.patience
        began = False
        while True:
            # In short steps: Ctrl-C and the end of the run do not interrupt a thread in C.
            ready, _ = self._ray.wait([task], timeout=_POLL_INTERVAL)
            if not ready:
                if not began and time.monotonic() > deadline:
                    self._require_node(options)
                    deadline = time.monotonic() + self._settings.patience
                continue
            try:
                event, value = self._ray.get(next(task))
            except self._ray.exceptions.RayTaskError as error:
                raise self._engine_error(error) from None
            if event == BEGAN:
                began = True
            elif event == ANSWERED:
                return outcome(value)
            elif event == DIED:
                raise StepProcessDied(value)
            elif event == LATE:
                late = StepTimedOut(timeout or 0.0)
                late.add_note(value)
                raise late
            else:
                getattr(sys, event).write(value)

    def _end(self, task: Any) -> None:
        """Cancel a task, wait a limited time for its end, and print the rest of its output."""
        with suppress(Exception):  # it has ended, or its node has died
            self._ray.cancel(task)
            deadline = time.monotonic() + 2 * GRACE
            # Before the task has completed, reading its stream may block without limit.
            while not self._ray.wait([task.completed()], timeout=_POLL_INTERVAL)[0]:
                if time.monotonic() > deadline:
                    return
            for each in task:
                event, value = self._ray.get(each)
                if event in {"stdout", "stderr"}:
                    getattr(sys, event).write(value)

    def _task_options(self, requested: Resources) -> dict[str, Any]:
        """The resources of a step, as options of a task in Ray."""
        given = self._settings
        memory = requested.memory or given.memory
        cpus, gpus = requested.num_cpus, requested.num_gpus
        return {
            "num_cpus": given.num_cpus if cpus is None else cpus,
            "num_gpus": given.num_gpus if gpus is None else gpus,
            "memory": bytes_of(memory) if memory else None,
            "resources": {**given.custom_resources, **requested.custom} or None,
        }

    def _require_node(self, options: Mapping[str, Any]) -> None:
        """Raise EngineUnavailable if no node, busy or idle, has the resources."""
        amounts = {
            "CPU": options["num_cpus"],
            "GPU": options["num_gpus"],
            "memory": options["memory"] or 0,
            **(options["resources"] or {}),
        }
        nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        if any(all(has.get(name, 0) >= amounts[name] for name in amounts) for has in nodes):
            return
        asks = ", ".join(f"{name} {amount:g}" for name, amount in amounts.items() if amount)
        problem = f"none of its {len(nodes)} nodes has what the step asks for: {asks}"
        raise EngineUnavailable(self._settings.title, problem)

    def _engine_error(self, error: Exception) -> Exception:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        problem = lines[-1] if lines else type(error).__name__
        if "No module named 'stackfold" in str(error) or "failed to import" in str(error):
            problem = (
                "its nodes lack Stackfold, or have another version: install it there, or name it "
                'in runtime_env as {"pip": ["stackfold"]}'
            )
        return EngineUnavailable(self._settings.title, problem)

    def _variables(self) -> dict[str, str]:
        # A step that uses Ray itself connects to the cluster that executes it.
        return {"RAY_ADDRESS": self._ray.get_runtime_context().gcs_address}


class _NodeExecutor:
    def __init__(self, cluster: RayCluster, thread: InlineExecutor) -> None:
        self._cluster = cluster
        self._thread = thread

    def execute(self, call: Callable[[], Result], timeout: float | None = None) -> Result:
        return self._thread.run_inline(lambda: self._cluster.execute(call, timeout))

    def run_inline(self, call: Callable[[], Result]) -> Result:
        return self._thread.run_inline(call)


def _resources(call: Callable[[], object]) -> Resources:
    requested = call.step.options.resources if isinstance(call, StepCall) else None
    return requested or Resources()
