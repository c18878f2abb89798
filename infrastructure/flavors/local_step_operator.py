"""The step operator `local`."""

import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import cloudpickle

from stackfold.application import ports
from stackfold.application.ports import Answer, StepOperator
from stackfold.domain.errors import InvalidPipeline, StepProcessDied

_ENTRY = "stackfold.infrastructure.flavors.local_step_process"


class LocalStepOperator(StepOperator):
    """Runs each step in a fresh Python process on this machine."""

    flavor = "local"

    class Configuration(ports.Configuration):
        """Nothing to configure."""

    def execute(self, call: Callable[[], Answer]) -> Answer:
        # Files, not pipes: the step's own output stays visible, and nothing can block.
        with tempfile.TemporaryDirectory(prefix="stackfold-step-") as folder:
            request, answer = Path(folder, "call"), Path(folder, "answer")
            request.write_bytes(_portable(call))
            # A new interpreter: a fork would inherit threads, locks and connections half used.
            # -P keeps the current folder from hiding modules; the path comes with the call.
            process = subprocess.run(  # noqa: S603  # ourselves
                [sys.executable, "-P", "-m", _ENTRY, str(request), str(answer)],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                check=False,
            )
            if not answer.exists():
                raise StepProcessDied(process.returncode)
            outcome, traceback = pickle.loads(answer.read_bytes())  # noqa: S301  # our own process
        if traceback is not None:
            outcome.add_note(traceback)
            raise outcome
        return outcome  # type: ignore[no-any-return]


def _portable(call: Callable[[], object]) -> bytes:
    """What the process reads: our import path and PYTHONPATH, then the call."""
    where = pickle.dumps((sys.path, os.environ.get("PYTHONPATH")))
    try:
        return where + cloudpickle.dumps(call)  # type: ignore[no-any-return]
    except Exception as error:  # whatever a class of the user's does when it is pickled
        raise InvalidPipeline(f"the step cannot be sent to another process: {error}") from error
