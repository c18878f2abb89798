"""Runs the garden of `grown.py`, or resumes its runs, until it is killed: one command a line."""

import io
import json
import os
import signal
import sys
import time
from contextlib import redirect_stdout
from pathlib import Path

from stackfold.domain.errors import StackfoldError
from stackfold.infrastructure.workspace import Workspace

GARDEN = f"{Path(__file__).with_name('grown.py')}:garden"


def work(home: str, stack: str, runs: list[str]) -> None:
    parent = os.getppid()
    with Workspace.open(home) as ws:
        for run in runs:
            ws.runs.resume(run)
        while os.getppid() == parent:
            # Another seed each time, or all would come from the cache.
            ws.runs.start(ws.pipelines.load(GARDEN), {"seed": time.time_ns() % 10**9}, stack=stack)


def main() -> None:
    # Imports all that will be needed.
    with redirect_stdout(io.StringIO()), Workspace.in_memory() as ws:
        ws.runs.start(ws.pipelines.load(GARDEN))
    for line in sys.stdin:
        seconds, home, stack, runs = json.loads(line)
        child = os.fork()
        if not child:
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115
            try:
                work(home, stack, runs)
            except StackfoldError as error:
                sys.stderr.write(f"refused: {error}\n")
            finally:
                os._exit(7)
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        print(json.dumps(status), flush=True)


if __name__ == "__main__":
    main()
