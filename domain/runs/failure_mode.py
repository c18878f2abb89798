"""Failure mode: what happens to the other steps of a run when one has failed."""

from enum import StrEnum


class FailureMode(StrEnum):
    """What happens to the other steps when one has failed."""

    FAIL_FAST = "fail_fast"
    """Running steps are cancelled, and no other step is started."""
    STOP_ON_FAILURE = "stop_on_failure"
    """Running steps continue, and no other step is started."""
    CONTINUE_ON_FAILURE = "continue_on_failure"
    """All steps that do not depend on the failed one are executed."""
