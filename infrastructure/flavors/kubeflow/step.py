"""The program of a pod on Kubeflow: executes a step, or completes a run.

It opens the log that STACKFOLD_STORE or STACKFOLD_HOME names, and records the result there.
"""

import os
import signal
import sys
from types import FrameType

from stackfold.application.ports import StepStopped
from stackfold.domain.errors import RunFailed, StackfoldError
from stackfold.infrastructure.flavors.step_executors import InlineExecutor
from stackfold.infrastructure.workspace import Workspace


def main(what: str, run: str, source: str, *more: str) -> None:
    """Execute one step, or complete a run.

    Args:
        what: "execute" or "settle".
        run: The run's id.
        source: The pipeline, as "file.py:name" or "module:name".
        *more: The step's name; or "awaited" if another process waits for the run and ends it.

    Raises:
        SystemExit: It failed. The error was printed, and recorded if the step has failed.
    """
    # Kubernetes sends it when the run is terminated.
    signal.signal(signal.SIGTERM, _stop)
    _import_from_here()
    try:
        with Workspace.open() as workspace:
            steps = workspace.runs.remote_steps
            if what == "execute":
                steps.execute(run, more[0], _here(source), InlineExecutor())
            else:
                steps.settle(run, _here(source), awaited="awaited" in more)
    except RunFailed as failure:
        sys.stderr.write(f"{failure}\n")  # the run was completed, as failed
    except StackfoldError as error:
        sys.exit(f"error: {error}")
    except StepStopped as stopped:
        sys.exit(f"stopped: {stopped}")


def _stop(_: int, __: FrameType | None) -> None:
    raise StepStopped("the pod was terminated")


def _import_from_here() -> None:
    """Add the working folder, which contains the run's code, to the import path."""
    for folder in (os.path.join(os.getcwd(), "src"), os.getcwd()):
        if os.path.isdir(folder) and folder not in sys.path:
            sys.path.insert(0, folder)


def _here(source: str) -> str:
    """The pipeline on this machine, where its file may be in another folder."""
    place, _, name = source.rpartition(":")
    if place.endswith(".py") and not os.path.exists(place):
        parts = place.split("/")
        # The longest end of its path that exists below the current folder.
        for first in range(1, len(parts)):
            nearer = os.path.join(*parts[first:])
            if os.path.exists(nearer):
                return f"{nearer}:{name}"
    return source


if __name__ == "__main__":
    main(*sys.argv[1:])
