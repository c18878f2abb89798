"""The process that executes a rerun: says on stdout which run it started, or why none."""

import json
import sys
from typing import TextIO

from stackfold.domain.errors import LogUnavailable, RunFailed, StackfoldError
from stackfold.infrastructure.system.answering_process import FirstLine
from stackfold.infrastructure.workspace import Workspace


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
