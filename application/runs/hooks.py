"""Calls the hooks of steps and runs; an error in a hook is logged and changes no outcome."""

import logging
from typing import TYPE_CHECKING, NamedTuple

from stackfold.application.ports.interruptions import is_interruption
from stackfold.domain.pipelines.hooks import Hook, takes_call

if TYPE_CHECKING:
    from stackfold.application.runs.step_components import StepComponents


class HookCall(NamedTuple):
    """The argument of a hook, if its function takes one."""

    event: str
    """"start", "success", "failure" or "end"."""
    run: str
    """The run's name."""
    pipeline: str
    step: str
    """The step's name; empty for a hook of the pipeline."""
    status: str
    """"running", or the outcome: "completed", "cached", "failed", "cancelled"."""
    error: BaseException | None = None
    """The error of the step or run, if any."""
    components: "StepComponents | None" = None
    """The components of the run's stack."""
    failed_step: str = ""
    """The name of the step that failed; empty if none did."""


def call_hook(hook: Hook, call: HookCall) -> None:
    """Call a hook.

    An interruption of the run is raised. Any other error is logged by the logger
    `stackfold.hooks`, which writes to stderr unless configured otherwise.
    """
    try:
        if takes_call(hook):
            hook(call)
        else:
            hook()
    except BaseException as error:
        if is_interruption(error):
            raise
        whose = f"step {call.step!r}" if call.step else f"pipeline {call.pipeline!r}"
        logging.getLogger("stackfold.hooks").exception(
            "the hook on_%s of %s failed; the run goes on", call.event, whose
        )
