"""Records how a run ended that this process executes."""

from collections.abc import Iterator
from contextlib import contextmanager

from stackfold.application.ports.interruptions import is_interruption
from stackfold.application.runs.execution import Execution


@contextmanager
def recorded(execution: Execution) -> Iterator[None]:
    """Execute a run in a block, and record that it completed, failed or was cancelled.

    Raises:
        RunFailed: The block raised; what it raised is the cause.
        BaseException: What interrupted the block.
    """
    try:
        yield
    except BaseException as error:
        if is_interruption(error):
            execution.cancel(error)
            raise
        failed = execution.fail(error)
        raise failed from failed.__cause__
    execution.complete()
