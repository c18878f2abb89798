"""Hooks that alert people: `@pipeline(on_failure=alert_on_failure)`."""

import logging
from collections.abc import Sequence
from typing import Any, Self, overload

from stackfold.application.ports import Alerter
from stackfold.application.ports.alert import Level
from stackfold.application.runs.hooks import HookCall
from stackfold.application.runs.step_call import one_line
from stackfold.domain.runs.pin import Pin
from stackfold.domain.stacks.component_type import ComponentType

_LEVELS: dict[str, Level] = {"completed": "info", "cached": "info", "failed": "error"}


class AlertHook:
    """A hook that posts what happened to alerters of the run's stack.

    As a hook of a step or a pipeline it is given as it is, or with the names of alerters:
    `on_failure=alert_on_failure("oncall")`. Without names, it posts to every alerter of the stack.
    An alerter that cannot be used, strict or not, never fails a run.
    """

    def __init__(self, names: Sequence[str] = ()) -> None:
        """Create a hook.

        Args:
            names: The alerters; empty for all of the stack.
        """
        self._names = tuple(names)

    @overload
    def __call__(self, call: HookCall, /) -> None: ...

    @overload
    def __call__(self, *names: str) -> Self: ...

    def __call__(self, *given: Any) -> Self | None:
        """Post what happened; or, given names of alerters, return a hook that posts to them."""
        if not any(isinstance(each, HookCall) for each in given):
            return type(self)(given)
        (call,) = given
        self._post(call)
        return None

    def _post(self, call: HookCall) -> None:
        if call.components is None:
            return
        pin = call.components.pin
        available = [each.name for each in pin.components.get(ComponentType.ALERTER, ())]
        if not available and not self._names:
            _log(logging.INFO, f"no alert was sent: stack {pin.stack!r} has no alerter")
        for name in self._names or available:
            try:
                alerter = call.components.get(ComponentType.ALERTER, name)
                if isinstance(alerter, Alerter):
                    _alert(alerter, call, pin)
            except Exception as error:  # raised by a custom flavor
                _log(logging.WARNING, f"alerter {name!r} was not used: {one_line(error)}")


def _alert(alerter: Alerter, call: HookCall, pin: Pin) -> None:
    what = f"step {call.step!r} of pipeline {call.pipeline!r}" if call.step else ""
    error = one_line(call.error) if call.error is not None else ""
    steps = {"step": call.step or call.failed_step}
    alerter.post(
        "\n".join(each for each in (error, f"`stackfold run describe {call.run}`") if each),
        title=f"{what or f'pipeline {call.pipeline!r}'} {call.status}",
        level=_LEVELS.get(call.status, "warning"),
        facts={
            "pipeline": call.pipeline,
            "run": call.run,
            **{name: step for name, step in steps.items() if step},
            "stack": f"{pin.stack}, revision {pin.revision}",
        },
        thread=call.run,
    )


def _log(level: int, line: str) -> None:
    logging.getLogger("stackfold.alerters").log(level, "%.500s", " ".join(line.split()))


alert_on_failure = AlertHook()
"""Posts that a run or step failed: `@pipeline(on_failure=alert_on_failure)`."""
alert_on_success = AlertHook()
"""Posts that a run or step completed: `@pipeline(on_success=alert_on_success)`."""
