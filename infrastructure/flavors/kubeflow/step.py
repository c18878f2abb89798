"""What a pod of Kubeflow does: `python -m stackfold.infrastructure.flavors.kubeflow.step`.

It opens the log that the environment names, by STACKFOLD_STORE or STACKFOLD_HOME, and records there
what came of the step.
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
    """Execute one step, or end a run.

    Args:
        what: "execute" or "settle".
        run: The run's id.
        source: Where the pipeline is, as "file.py:name" or "module:name".
        *more: The step's name; or "awaited", if somebody waits for the run, who ends it then.

    Raises:
        SystemExit: It failed; what is wrong was printed, and recorded if it was the step's fault.
    """
    # Kubernetes ends a pod so, when the run is terminated.
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
        sys.stderr.write(f"{failure}\n")  # it was settled as it should be
    except StackfoldError as error:
        sys.exit(f"error: {error}")
    except StepStopped as stopped:
        sys.exit(f"stopped: {stopped}")


def _stop(_: int, __: FrameType | None) -> None:
    raise StepStopped("the pod was terminated")


def _import_from_here() -> None:
    """Let modules be imported from the working folder, which holds the run's code."""
    for folder in (os.path.join(os.getcwd(), "src"), os.getcwd()):
        if os.path.isdir(folder) and folder not in sys.path:
            sys.path.insert(0, folder)


def _here(source: str) -> str:
    """Where the pipeline is on this machine: its file may lie elsewhere than where it was run."""
    place, _, name = source.rpartition(":")
    if place.endswith(".py") and not os.path.exists(place):
        parts = place.split("/")
        # As much of its path as there is below the current folder.
        for first in range(1, len(parts)):
            nearer = os.path.join(*parts[first:])
            if os.path.exists(nearer):
                return f"{nearer}:{name}"
    return source


if __name__ == "__main__":
    main(*sys.argv[1:])
