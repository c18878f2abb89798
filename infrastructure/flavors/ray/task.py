"""The task that workers of a Ray cluster execute; see `cluster.py`.

A worker executes each step in a new process. A step that times out, exits or is killed then ends
as on any other machine, however Ray handles it.
"""

import queue
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from stackfold.domain.errors import StepProcessDied, StepTimedOut
from stackfold.infrastructure.flavors.local.processes import StepProcess, portable
from stackfold.infrastructure.flavors.secret_env import CallWithSecrets, Values
from stackfold.infrastructure.flavors.step_executors import GRACE, StoppableExecutor

BEGAN, ANSWERED, DIED, LATE = "began", "answered", "died", "late"
_POLL_INTERVAL = 0.1
"""Seconds between two opportunities for Ray to interrupt the worker."""

Event = tuple[str, Any]
"""A kind of event and its value: "stdout" or "stderr" and a text; BEGAN and None; ANSWERED and the
result as bytes; DIED and the exit code; LATE and the traceback of the step as text."""


def execute(
    request: bytes, timeout: float | None, environment: Mapping[str, str], secrets: Values
) -> Iterator[Event]:
    """Execute a call in a process of this machine, and yield its events.

    Args:
        request: The call, as `local.processes.portable` writes it.
        timeout: Seconds until it times out.
        environment: Environment variables beside those of the worker.
        secrets: The secrets that it may resolve.
    """
    # Ray may write a long argument to disk, so the secrets are an argument of their own.
    provided = portable(CallWithSecrets(request, secrets)) if secrets else request
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()
    executor = StoppableExecutor()

    def work() -> None:
        with suppress(BaseException):  # its last event reports the error
            _execute(provided, timeout, environment, events, executor)

    thread = threading.Thread(target=work, daemon=True)
    try:
        yield BEGAN, None
        thread.start()
        while thread.is_alive() or not events.empty():
            with suppress(queue.Empty):
                yield events.get(timeout=_POLL_INTERVAL)
    finally:
        # Interrupted, or the stream was closed: end the process.
        if thread.is_alive():
            executor.stop()
            thread.join(2 * GRACE)


def _execute(
    request: bytes,
    timeout: float | None,
    environment: Mapping[str, str],
    events: "queue.SimpleQueue[Event]",
    executor: StoppableExecutor,
) -> None:
    process = StepProcess(
        write=lambda stream, text: events.put((stream, text)), environment=environment
    )
    try:
        # Stoppable only here, so that the process is not left half started or half closed.
        answer = executor.run_inline(lambda: process.answer(request, timeout))
    except StepProcessDied as died:
        events.put((DIED, died.returncode))
    except StepTimedOut as late:
        events.put((LATE, "".join(getattr(late, "__notes__", ()))))
    else:
        events.put((ANSWERED, answer))
    finally:
        process.close()
