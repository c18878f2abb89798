"""Processes that execute a run, and print as their first line which run it is, or why none started.

They survive the process that started them.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from queue import Empty, Queue
from typing import Any

from stackfold.application.runs.progress import NullListener
from stackfold.domain.errors import StackfoldError, Unavailable

ENDED = "its process ended"


class Answer(NullListener):
    """Prints one line for the process that started this one: which run was started, or why none.

    Nothing else is printed, whatever the pipeline prints: the other process may have ended by then.
    """

    def __init__(self) -> None:
        """Redirect the standard output to nowhere, and keep it for the line."""
        self.is_sent = False
        self._output = os.dup(1)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.close(nowhere)

    def run_started(self, run: str, steps: object, completed: object) -> None:
        """Send the name of the run."""
        self.send(run=run)

    def send(self, **fields: str) -> None:
        """Print the line; does nothing if one was printed."""
        if self.is_sent:
            return
        self.is_sent = True
        with open(self._output, "w", encoding="utf-8") as output:
            output.write(json.dumps(fields) + "\n")


@contextmanager
def answering() -> Iterator[Answer]:
    """Answer with the problem if a run cannot be started; exits with 1 then, and if it fails."""
    answer = Answer()
    try:
        yield answer
    except StackfoldError as error:
        answer.send(problem=str(error))
        sys.exit(1)
    except Exception as error:
        answer.send(problem=f"unexpected {type(error).__name__}: {error}")
        raise


class AnsweringProcess:
    """A process that executes a run; used by the process that starts it."""

    def __init__(self, module: str, request: Mapping[str, Any]) -> None:
        """Start it.

        Args:
            module: The module whose `main(stdin)` it calls.
            request: What it reads, as JSON.

        Raises:
            Unavailable: The system cannot start it.
        """
        program = f"import sys; from {module} import main; main(sys.stdin)"
        try:
            # -P: the current folder must not shadow modules.
            self._process = subprocess.Popen(  # noqa: S603  # the program is this Python
                [sys.executable, "-P", "-c", program],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                start_new_session=True,
            )
        except OSError as error:
            raise Unavailable("a process for the run", str(error)) from error
        self._answers: Queue[str] = Queue()
        self._ended = threading.Event()
        threading.Thread(target=self._follow, args=[request], daemon=True).start()

    def answer(self, seconds: float) -> dict[str, str] | None:
        """Wait for its first line: a "run", or a "problem".

        Args:
            seconds: How long to wait.

        Returns:
            The answer; None if there is none yet.
        """
        try:
            line = self._answers.get(timeout=seconds)
        except Empty:
            return None
        answer: dict[str, str] = json.loads(line) if line else {"problem": ENDED}
        return answer

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it ends; returns whether it has ended.

        Args:
            seconds: How long to wait; None for no limit.
        """
        return self._ended.wait(seconds)

    def interrupt(self) -> None:
        """Interrupt it, as Ctrl-C does, so that its run is recorded as cancelled."""
        if not self._ended.is_set():
            self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """End it at once."""
        if not self._ended.is_set():
            self._process.kill()

    def _follow(self, request: Mapping[str, Any]) -> None:
        with self._process as process:
            if process.stdin and process.stdout:
                try:
                    process.stdin.write(json.dumps(request))
                    process.stdin.close()
                except OSError:  # it ended already
                    pass
                self._answers.put(process.stdout.readline())
            process.wait()
        self._ended.set()
