"""The service as it is run: four workers of uvicorn, which can be killed."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

WORKERS = 4


class RunningService:
    """A service that is stopped at the end of a `with` block.

    Attributes:
        url: Its address.
    """

    def __init__(self, settings: Mapping[str, str], log: Path) -> None:
        """Start it, and return when a worker accepts requests.

        Args:
            settings: Environment variables.
            log: A new file for what it prints.
        """
        self._log, self._killed = log, set[str]()
        command = [sys.executable, "-m", "uvicorn", "stack_service.app:app", "--port", "0"]
        # On a busy machine, a worker takes some time to start.
        options = ["--workers", str(WORKERS), "--timeout-worker-healthcheck", "30"]
        with log.open("w") as output:
            self._supervisor = subprocess.Popen(
                [*command, *options],
                env={**os.environ, **settings},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        while not self._printed("Application startup complete"):
            self._wait()
        (self.url,) = self._printed(r"running on (http://[\d.:]+)")

    def kill_a_worker(self, chance: random.Random) -> None:
        """Kill one of at least two workers, without any warning; another one is started for it."""
        while len(workers := self._workers()) < 2:
            self._wait()
        victim = chance.choice(workers)
        os.kill(int(victim), signal.SIGKILL)
        self._killed.add(victim)

    def _workers(self) -> list[str]:
        """The process ids of the workers that have started and not died."""
        ended = {*self._printed(r"Child process \[(\d+)\] died"), *self._killed}
        started = self._printed(r"Started server process \[(\d+)\]")
        return [each for each in started if each not in ended]

    def _printed(self, pattern: str) -> list[str]:
        return re.findall(pattern, self._log.read_text())

    def _wait(self) -> None:
        assert self._supervisor.poll() is None, self._log.read_text()
        time.sleep(0.05)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._supervisor.terminate()
        self._supervisor.wait()
