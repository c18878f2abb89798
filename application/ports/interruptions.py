"""Interruptions: what ends a run from outside, while everything else that a step raises is its own.

Code in other languages and some libraries raise classes that derive from BaseException alone:
panics of Rust, `asyncio.CancelledError`, what `pytest.fail` raises. A step that raises one of them
has failed like any other.
"""

from stackfold.application.ports import StepStopped


def is_interruption(error: BaseException) -> bool:
    """Whether it was raised to end what is running, by Ctrl-C or because the run ends."""
    return isinstance(error, KeyboardInterrupt | StepStopped)
