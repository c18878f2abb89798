"""Stacks on Ray, and what became of their runs, for tests."""

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

from workspaces import ORCHESTRATOR

from stackfold.domain.pipelines.run_configuration import RunConfiguration

SUPPORT = Path(__file__).parent
NEVER_CACHED = RunConfiguration(enable_cache=False)


def on(ws, cluster, store="default", **settings):
    """Make a stack `ray` on a cluster, and return the function that runs a pipeline on it."""
    # The pipelines of the tests are found below this folder.
    given = {"address": cluster.address, "working_dir": str(SUPPORT), **settings}
    ws.components.register(ORCHESTRATOR, "cluster", "ray", given)
    ws.stacks.register("ray", orchestrator="cluster", artifact_store=store)

    def run(pipeline, **parameters):
        return ws.runs.start(pipeline, parameters, configuration=NEVER_CACHED, stack="ray")

    return run


def program_of(ws, text, *arguments, **variables):
    """A process that executes a program, which finds the workspace and the tests' pipelines."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(text), *arguments],
        env={
            **os.environ,
            "STACKFOLD_HOME": str(ws.home),
            "PYTHONPATH": str(SUPPORT),
            **variables,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def statuses(ws):
    run = ws.runs.list()[0]
    return run.status, {each.name: each.status for each in ws.runs.steps(run.id)}


def until(condition, seconds=120):
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)


def lives(process):
    """Whether there is a process of this id."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def is_gone(folder):
    """Whether no process of the step that hangs there is left; it may not have come so far."""
    noted = folder / "pid"
    return not noted.exists() or not lives(int(noted.read_text()))
