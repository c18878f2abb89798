"""What the workers of a Ray cluster execute for `ray.cluster`; see there.

A worker does not execute a step itself: it lets a process of its own do so. Then a step that takes
too long, that exits or is killed ends as on any other machine, whatever Ray makes of it, and each
one starts afresh.
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
_GLANCE = 0.1
"""Seconds between two chances for Ray to interrupt the worker."""

Said = tuple[str, Any]
"""What happened, and what belongs to it: "stdout" or "stderr" and a text; BEGAN and None; ANSWERED
and the answer as bytes; DIED and the exit code; LATE and where the step was, as text."""


def execute(
    request: bytes, timeout: float | None, environment: Mapping[str, str], secrets: Values
) -> Iterator[Said]:
    """Execute a call in a process of this machine, and tell what happens while it does.

    Args:
        request: The call, as `local.processes.portable` writes it.
        timeout: Seconds that it may take.
        environment: Variables for it beside those of the worker.
        secrets: What it must be able to look up.
    """
    # Apart until now: Ray may write a long argument to a disk, and these never are.
    provided = portable(CallWithSecrets(request, secrets)) if secrets else request
    happened: queue.SimpleQueue[Said] = queue.SimpleQueue()
    guard = StoppableExecutor()

    def work() -> None:
        with suppress(BaseException):  # told by what it has put last
            _execute(provided, timeout, environment, happened, guard)

    thread = threading.Thread(target=work, daemon=True)
    try:
        yield BEGAN, None
        thread.start()
        while thread.is_alive() or not happened.empty():
            with suppress(queue.Empty):
                yield happened.get(timeout=_GLANCE)
    finally:
        # Interrupted, or nobody listens any more: the process must not outlive that.
        if thread.is_alive():
            guard.stop()
            thread.join(2 * GRACE)


def _execute(
    request: bytes,
    timeout: float | None,
    environment: Mapping[str, str],
    happened: "queue.SimpleQueue[Said]",
    guard: StoppableExecutor,
) -> None:
    process = StepProcess(
        write=lambda stream, text: happened.put((stream, text)), environment=environment
    )
    try:
        # Only here: the process must not be left behind half begun, nor half closed.
        answer = guard.run_inline(lambda: process.answer(request, timeout))
    except StepProcessDied as died:
        happened.put((DIED, died.returncode))
    except StepTimedOut as late:
        happened.put((LATE, "".join(getattr(late, "__notes__", ()))))
    else:
        happened.put((ANSWERED, answer))
    finally:
        process.close()
