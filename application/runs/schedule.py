"""Which step of a run may begin next; what every orchestrator needs that executes steps itself."""

import heapq
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from stackfold.application.ports import RunPlan
from stackfold.domain.pipelines.options import FailureMode

if TYPE_CHECKING:
    from stackfold.domain.pipelines.graph import Node


def skipped(
    nodes: "Iterable[Node]", ended: Mapping[str, str], otherwise: str
) -> dict[str, list[str]]:
    """The steps that never began, by the reason why.

    Args:
        nodes: The graph, in topological order.
        ended: Step → how it ended, for those that began.
        otherwise: The reason for a step that needed no failed one.
    """
    needed: dict[str, str] = {}
    reasons: dict[str, list[str]] = {}
    for node in nodes:
        status = ended.get(node.name)
        if status in _HOW:
            needed[node.name] = f"step {node.name!r} {_HOW[status]}"
        if status is None:
            above = next((needed[step] for step in node.upstream if step in needed), None)
            if above:
                needed[node.name] = above
            reasons.setdefault(above or otherwise, []).append(node.name)
    return reasons


_HOW = {"failed": "failed", "cancelled": "was cancelled"}


class Schedule:
    """The steps of a plan, and how far each has come.

    Of several steps that may begin, the one that is first in the plan does: the order depends on
    nothing but the graph and on which steps have ended.
    """

    def __init__(self, plan: RunPlan) -> None:
        """Take stock of a plan whose steps stand in topological order."""
        self._mode = plan.mode
        self._names = [step.name for step in plan.steps]
        self._index = {name: index for index, name in enumerate(self._names)}
        self._missing = [len(step.upstream) for step in plan.steps]
        self._downstream: list[list[int]] = [[] for _ in plan.steps]
        for index, step in enumerate(plan.steps):
            for above in step.upstream:
                self._downstream[self._index[above]].append(index)
        self._ready = [index for index, count in enumerate(self._missing) if not count]
        self._failures: dict[int, BaseException] = {}

    def begin(self) -> str | None:
        """The next step, which begins with this; None if none may begin now."""
        if not self.has_more:
            return None
        return self._names[heapq.heappop(self._ready)]

    @property
    def has_more(self) -> bool:
        """Whether another step could begin now."""
        return bool(self._ready) and (self._goes_on or not self._failures)

    def completed(self, name: str) -> None:
        """Note that a step has completed: what waited for it alone may begin."""
        for index in self._downstream[self._index[name]]:
            self._missing[index] -= 1
            if not self._missing[index]:
                heapq.heappush(self._ready, index)

    def failed(self, name: str, error: BaseException) -> None:
        """Note that a step has failed with an error."""
        self._failures[self._index[name]] = error

    @property
    def stops_the_running(self) -> bool:
        """Whether the steps that are running should be ended now."""
        return bool(self._failures) and self._mode is FailureMode.FAIL_FAST

    @property
    def failure(self) -> BaseException | None:
        """What the failed step raised that is first in the plan; None if none has failed."""
        return self._failures[min(self._failures)] if self._failures else None

    @property
    def _goes_on(self) -> bool:
        return self._mode is FailureMode.CONTINUE_ON_FAILURE
