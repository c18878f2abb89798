"""The process that executes a rerun: says on stdout which run it started, or why none."""

import json
import os
import sys
from typing import TextIO

from stackfold.application.runs.progress import NullListener
from stackfold.domain.errors import LogUnavailable, RunFailed, StackfoldError
from stackfold.infrastructure.workspace import Workspace


class FirstLine(NullListener):
    """Says which run was started, once.

    Nothing else is printed, whatever the pipeline prints: the server may have ended by then.
    """

    def __init__(self) -> None:
        """Create it."""
        self.said = False
        self._server = os.dup(1)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.close(nowhere)

    def run_started(self, run: str, steps: object, completed: object) -> None:
        """Say it."""
        self.say(run=run)

    def say(self, **answer: str) -> None:
        """Print a line for the server."""
        if self.said:
            return
        self.said = True
        with open(self._server, "w", encoding="utf-8") as server:
            server.write(json.dumps(answer) + "\n")


def main(given: TextIO) -> None:
    """Repeat a run.

    Args:
        given: JSON with the home, store, actor, run and reason.
    """
    request = json.load(given)
    first = FirstLine()
    try:
        if not request["store"] and not Workspace.exists(request["home"]):
            raise LogUnavailable(request["home"], "is in memory: no other process can read it")
        with Workspace.open(request["home"], request["store"], actor=request["actor"]) as ws:
            ws.runs.rerun(request["run"], why=request["why"], listener=first)
    except RunFailed:
        sys.exit(1)  # recorded with the run
    except StackfoldError as error:
        first.say(problem=str(error))
        sys.exit(1)
    except Exception as error:
        first.say(problem=f"unexpected {type(error).__name__}: {error}")
        raise
