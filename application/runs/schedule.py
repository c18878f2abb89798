"""Schedule: decides which step of a run to start next, for orchestrators that execute steps."""

import heapq
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from stackfold.application.ports import RunPlan
from stackfold.domain.runs.failure_mode import FailureMode

if TYPE_CHECKING:
    from stackfold.domain.pipelines.graph import Node


def skipped(
    nodes: "Iterable[Node]", ended: Mapping[str, str], otherwise: str
) -> dict[str, list[str]]:
    """Reason → the steps that never began for it.

    Args:
        nodes: The graph, in topological order.
        ended: Step → how it ended, for those that began.
        otherwise: The reason of a step without a failed or cancelled upstream step.
    """
    needed: dict[str, str] = {}
    reasons: dict[str, list[str]] = {}
    for node in nodes:
        status = ended.get(node.name)
        if status in _PROBLEMS:
            needed[node.name] = f"step {node.name!r} {_PROBLEMS[status]}"
        if status is None:
            upstream = next((needed[step] for step in node.upstream if step in needed), None)
            if upstream:
                needed[node.name] = upstream
            reasons.setdefault(upstream or otherwise, []).append(node.name)
    return reasons


_PROBLEMS = {"failed": "failed", "cancelled": "was cancelled"}


class Schedule:
    """The steps of a plan and their progress.

    Of several steps that may start, the first in the plan does: the order depends only on the
    graph and on which steps have ended.
    """

    def __init__(self, plan: RunPlan) -> None:
        """Create the schedule of a plan, whose steps are in topological order."""
        self._mode = plan.mode
        self._names = [step.name for step in plan.steps]
        self._index = {name: index for index, name in enumerate(self._names)}
        self._missing = [len(step.upstream) for step in plan.steps]
        self._downstream: list[list[int]] = [[] for _ in plan.steps]
        for index, step in enumerate(plan.steps):
            for upstream in step.upstream:
                self._downstream[self._index[upstream]].append(index)
        self._ready = [index for index, count in enumerate(self._missing) if not count]
        self._failures: dict[int, BaseException] = {}

    def start_next(self) -> str | None:
        """Start the next step and return its name; None if no step may start now."""
        if not self.has_more:
            return None
        return self._names[heapq.heappop(self._ready)]

    @property
    def has_more(self) -> bool:
        """Whether another step may start now."""
        return bool(self._ready) and (self._continues_on_failure or not self._failures)

    def completed(self, name: str) -> None:
        """Mark a step as completed, so that steps waiting only for it may start."""
        for index in self._downstream[self._index[name]]:
            self._missing[index] -= 1
            if not self._missing[index]:
                heapq.heappush(self._ready, index)

    def failed(self, name: str, error: BaseException) -> None:
        """Mark a step as failed with an error."""
        self._failures[self._index[name]] = error

    @property
    def must_stop_running(self) -> bool:
        """Whether the running steps should be stopped now."""
        return bool(self._failures) and self._mode is FailureMode.FAIL_FAST

    @property
    def failure(self) -> BaseException | None:
        """The error of the first failed step in the plan; None if no step has failed."""
        return self._failures[min(self._failures)] if self._failures else None

    @property
    def _continues_on_failure(self) -> bool:
        return self._mode is FailureMode.CONTINUE_ON_FAILURE
