"""The process that executes a rerun, and answers which run it started, or why not."""

import json
from typing import TextIO

from stackfold.domain.errors import LogUnavailable
from stackfold.infrastructure.system.answering_process import answering
from stackfold.infrastructure.workspace import Workspace


def main(given: TextIO) -> None:
    """Repeat a run.

    Args:
        given: JSON with the home, store, actor, run and reason.
    """
    request = json.load(given)
    with answering() as answer:
        if not request["store"] and not Workspace.exists(request["home"]):
            raise LogUnavailable(request["home"], "is in memory: no other process can read it")
        with Workspace.open(request["home"], request["store"], actor=request["actor"]) as ws:
            ws.runs.rerun(request["run"], why=request["why"], listener=answer)
