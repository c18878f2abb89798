"""The program of a pod: executes the call of a step, or coordinates a run.

What it needs to know lies in files of a mounted Kubernetes secret; nothing secret is an argument
or an environment variable of the pod.
"""

import json
import os
import signal
import sys
import zlib
from collections.abc import Iterable
from pathlib import Path
from types import FrameType

from stackfold.application.ports import StepStopped
from stackfold.domain.errors import RunFailed, StackfoldError, StepProcessDied, StepTimedOut
from stackfold.infrastructure.flavors.code_in_image import here, import_from_here
from stackfold.infrastructure.flavors.kubernetes.log_protocol import (
    ANSWERED,
    BEGAN,
    DIED,
    LATE,
    UNFIT,
    Event,
    comment,
    lines_of,
)

FOLDER = "/var/run/stackfold"
"""Where the secret is mounted."""
CALL, SECRETS, VARIABLES = "call", "secrets", "variables"
"""The files of the secret: the call of a step, the values of secrets, and environment variables."""
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
_MEMORY_EVENTS = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")


def call_file(request: bytes, timeout: float | None) -> bytes:
    """Return the file that `execute` reads.

    Args:
        request: The call, as `local.processes.portable` writes it.
        timeout: Seconds until it times out; None for no limit.
    """
    header = {"python": PYTHON, "timeout": timeout}
    return json.dumps(header).encode() + b"\n" + zlib.compress(request)


def execute() -> int:
    """Execute the call in a process of its own, write its events to the log, and return a code."""
    signal.signal(signal.SIGTERM, _stop)  # Kubernetes sends it when the Job is deleted
    import_from_here()
    header, _, request = Path(FOLDER, CALL).read_bytes().partition(b"\n")
    asked = json.loads(header)
    if asked["python"] != PYTHON:
        _write(lines_of(Event(UNFIT, f"its image has Python {PYTHON}, the run {asked['python']}")))
        return 1
    # Imported only now: another version of Python may not even be able to.
    from stackfold.infrastructure.flavors.local.processes import StepProcess, outcome, portable
    from stackfold.infrastructure.flavors.secret_env import CallWithSecrets

    call = zlib.decompress(request)
    secrets = _secrets()
    if secrets:
        call = portable(CallWithSecrets(call, secrets))
    process = StepProcess(write=lambda stream, text: _write(lines_of(Event(stream, text))))
    _write(lines_of(Event(BEGAN, None)))
    try:
        answer = process.answer(call, asked["timeout"])
    except StepProcessDied as died:
        event = Event(DIED, [died.returncode, _was_out_of_memory()])
    except StepTimedOut as late:
        event = Event(LATE, "".join(getattr(late, "__notes__", ())))
    except StepStopped:
        process.close()
        return 1
    else:
        event = Event(ANSWERED, answer)
    process.close()
    code = 1
    if event.kind == ANSWERED:
        try:
            outcome(event.value)
            code = 0
        except BaseException as error:
            _write(comment("".join(getattr(error, "__notes__", [str(error)])[-1:])))
    _write(lines_of(event))
    return code


def coordinate(run: str, source: str, image: str) -> int:
    """Execute the run as its orchestrator does, from this pod, and return an exit code.

    Args:
        run: The run's id.
        source: The pipeline, as "file.py:name" or "module:name".
        image: The image of the pods of its steps.
    """
    from stackfold.infrastructure.secrets.environment import add_values
    from stackfold.infrastructure.workspace import Workspace

    signal.signal(signal.SIGTERM, _stop)
    import_from_here()
    variables = Path(FOLDER, VARIABLES)
    if variables.exists():
        os.environ.update(json.loads(variables.read_bytes()))
    add_values(_secrets())
    try:
        with Workspace.open() as workspace:
            workspace.runs.remote_steps.coordinate(run, here(source), image)
    except RunFailed as failure:
        sys.stderr.write(f"{failure}\n")  # the run was completed, as failed
    except StackfoldError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except StepStopped as stopped:
        sys.stderr.write(f"stopped: {stopped}\n")
        return 1
    return 0


def _secrets() -> dict[tuple[str, str], str]:
    file = Path(FOLDER, SECRETS)
    if not file.exists():
        return {}
    return {(name, key): value for name, key, value in json.loads(file.read_bytes())}


def _was_out_of_memory() -> bool:
    """Whether the kernel has killed a process of this pod because of its limit of memory."""
    for path in _MEMORY_EVENTS:
        try:
            words = Path(path).read_text(encoding="ascii").split()
        except OSError:
            continue
        counts = dict(zip(words[::2], words[1::2], strict=False))
        return counts.get("oom_kill", "0") != "0"
    return False


def _stop(_: int, __: FrameType | None) -> None:
    raise StepStopped("the pod was terminated")


def _write(lines: Iterable[str]) -> None:
    for line in lines:
        view = memoryview(line.encode("utf-8", "backslashreplace"))
        while view:
            view = view[os.write(1, view) :]


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    sys.exit(coordinate(*arguments) if what == "coordinate" else execute())
