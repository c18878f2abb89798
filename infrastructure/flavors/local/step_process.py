"""The program of the processes that `local.processes.StepProcess` starts."""

import os
import pickle
import queue
import signal
import sys
import threading
from typing import Any


def main(requests: int, answers: int) -> None:
    """Read calls, execute them and write their outcomes, until the requests end.

    A message is its length in 8 bytes, big-endian, followed by its bytes. The first message sets
    the import path, and is answered by an empty one; each further message is a pickled call. An
    answer is a pickled pair: the result and None, or the exception and its traceback.

    Args:
        requests: The file descriptor to read from.
        answers: The file descriptor to write to.
    """
    for stream in (sys.stdout, sys.stderr):
        # Line-buffered UTF-8, whatever the locale is, so that the parent sees output at once.
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]
    _handle_interruptions()
    received: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    busy = threading.Event()
    reader = threading.Thread(target=_read, args=(requests, received, busy), daemon=True)
    first = _message(requests)
    if first is None:
        return
    sys.path[:], python_path = pickle.loads(first)  # noqa: S301  # written by our parent
    if python_path is None:
        os.environ.pop("PYTHONPATH", None)
    else:
        os.environ["PYTHONPATH"] = python_path
    # Import what reports errors before the time limit of a step begins to count.
    import stackfold.application.runs.step_call
    import stackfold.infrastructure.flavors.local.serialization  # noqa: F401
    from stackfold.application.runs.captured_output import log_to_stderr

    log_to_stderr()
    reader.start()
    folder, variables = _current_folder(), dict(os.environ)
    _write(answers, b"")  # ready
    while (request := received.get()) is not None:
        _reset_process(folder, variables)
        written = _answer(request)
        del request
        sys.stdout.flush()
        sys.stderr.flush()
        busy.clear()
        _write(answers, written)


def _handle_interruptions() -> None:
    """Handle SIGINT as Python does by default, even if the parent ignores it, as Ray does."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _read(
    requests: int, received: "queue.SimpleQueue[bytes | None]", busy: threading.Event
) -> None:
    while (message := _message(requests)) is not None:
        busy.set()
        received.put(message)
    if busy.is_set():
        # The parent has died: no one reads the answer.
        os._exit(1)
    received.put(None)


def _reset_process(folder: str, variables: dict[str, str]) -> None:
    """Restore the current folder and environment that an earlier step may have changed."""
    if folder and _current_folder() != folder:
        os.chdir(folder)
    if os.environ != variables:
        os.environ.clear()
        os.environ.update(variables)


def _current_folder() -> str:
    """Return the current folder; empty if it was deleted."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return ""


def _answer(request: bytes) -> bytes:
    try:
        return _dumped((pickle.loads(request)(), None))  # noqa: S301
    except BaseException as error:  # including SystemExit, which the parent handles
        return _failure(error)


def _failure(error: BaseException) -> bytes:
    from stackfold.application.runs.step_call import one_line, traceback_text, trimmed
    from stackfold.infrastructure.flavors.local.serialization import with_paths_as_sent

    text = with_paths_as_sent(traceback_text(trimmed(error)))
    try:
        written = _dumped((error, text))
        pickle.loads(written)  # noqa: S301  # made a line above
    except BaseException:
        # Replace an exception that cannot be pickled, such as a panic of Rust.
        written = _dumped((RuntimeError(one_line(error)), text))
    return written


def _dumped(outcome: tuple[Any, str | None]) -> bytes:
    from stackfold.infrastructure.flavors.local.serialization import dumps

    return dumps(outcome)


def _message(requests: int) -> bytes | None:
    """Return the next message; None at the end of the requests."""
    length = _read_exactly(requests, 8)
    return _read_exactly(requests, int.from_bytes(length, "big")) if length else None


def _read_exactly(descriptor: int, length: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < length:
        part = os.read(descriptor, min(length - len(parts), 2**20))
        if not part:
            return None
        parts += part
    return bytes(parts)


def _write(answers: int, message: bytes) -> None:
    view = memoryview(len(message).to_bytes(8, "big") + message)
    while view:
        view = view[os.write(answers, view) :]


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]), int(sys.argv[2]))
    except KeyboardInterrupt:  # between two steps
        sys.exit(130)
