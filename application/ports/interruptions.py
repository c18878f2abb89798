"""What interrupts a run from outside, as opposed to an error of a step.

Extensions in other languages and some libraries raise classes that derive from BaseException
directly: panics of Rust, `asyncio.CancelledError`, what `pytest.fail` raises. A step that raises
one of them has failed like any other.
"""


class StepStopped(BaseException):
    """Raised inside a running step to stop it; its text is the reason."""


def is_interruption(error: BaseException) -> bool:
    """Return whether `error` interrupts the run: Ctrl-C, or a step stopped because the run ends."""
    return isinstance(error, KeyboardInterrupt | StepStopped)
