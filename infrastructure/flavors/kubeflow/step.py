"""The program of a pod on Kubeflow: executes a step, or completes a run.

It opens the log that STACKFOLD_STORE or STACKFOLD_HOME names, and records the result there.
"""

import signal
import sys
from types import FrameType

from stackfold.application.ports import StepStopped
from stackfold.domain.errors import RunFailed, StackfoldError
from stackfold.infrastructure.flavors.code_in_image import here, import_from_here
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
    import_from_here()
    try:
        with Workspace.open() as workspace:
            steps = workspace.runs.remote_steps
            if what == "execute":
                steps.execute(run, more[0], here(source), InlineExecutor())
            else:
                steps.settle(run, here(source), awaited="awaited" in more)
    except RunFailed as failure:
        sys.stderr.write(f"{failure}\n")  # the run was completed, as failed
    except StackfoldError as error:
        sys.exit(f"error: {error}")
    except StepStopped as stopped:
        sys.exit(f"stopped: {stopped}")


def _stop(_: int, __: FrameType | None) -> None:
    raise StepStopped("the pod was terminated")


if __name__ == "__main__":
    main(*sys.argv[1:])
