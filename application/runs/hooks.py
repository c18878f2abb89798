"""Calling the hooks of steps and runs; what they raise is told loudly, and changes no outcome."""

import logging
from typing import NamedTuple

from stackfold.application.ports.interruptions import is_interruption
from stackfold.domain.pipelines.hooks import Hook, takes_call


class HookCall(NamedTuple):
    """What a hook is told, if its function takes an argument."""

    event: str
    """"start", "success", "failure" or "end"."""
    run: str
    """The run's name."""
    pipeline: str
    step: str
    """The step's name; empty for a hook of the pipeline."""
    status: str
    """"running", or how it ended: "completed", "cached", "failed", "cancelled"."""
    error: BaseException | None = None
    """What was raised, if something was."""


def call_hook(hook: Hook, call: HookCall) -> None:
    """Call a hook.

    What interrupts the run goes through; the rest is logged, as an error of the logger
    `stackfold.hooks`, which without any set-up is printed on stderr.
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
