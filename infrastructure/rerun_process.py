"""Reruns in a process of their own: what starts the process, and what it executes."""

import json
from typing import TextIO

from stackfold.domain.errors import LogUnavailable
from stackfold.infrastructure.system.answering_process import AnsweringProcess, answering
from stackfold.infrastructure.workspace import Workspace


def started_rerun(workspace: Workspace, run: str, why: str, seconds: float) -> dict[str, str]:
    """Start a process that repeats a run; it survives this one.

    Args:
        workspace: Has the log.
        run: The run.
        why: The reason.
        seconds: How long to wait until the new run is recorded.

    Returns:
        The name of the new "run", or the "problem" that prevented it; empty if none is known yet.

    Raises:
        Unavailable: The system cannot start the process.
    """
    request = {
        "home": str(workspace.home),
        "store": workspace.store,
        "actor": workspace.actor,
        "run": run,
        "why": why,
    }
    return AnsweringProcess(__name__, request).answer(seconds) or {}


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
