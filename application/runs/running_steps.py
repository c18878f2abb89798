"""RunningSteps: the steps of one run that this process is executing."""

from datetime import UTC, datetime, timedelta

from stackfold.application.runs.captured_output import CapturedOutput
from stackfold.application.runs.live_steps import LiveStep
from stackfold.domain.rfc3339 import to_rfc3339


class RunningSteps(dict[str, datetime]):
    """Step → when it started, for the running steps of one run.

    Who reads them from another thread takes no lock: a step may fork at any time.
    """

    def __init__(self) -> None:
        """Create it without steps."""
        super().__init__()
        self.outputs: dict[str, CapturedOutput] = {}
        """Step → its output so far; may contain steps that have ended."""

    def longer_than(self, seconds: float) -> list[LiveStep]:
        """The steps that have been running for some time, with their text so far."""
        before = datetime.now(UTC) - timedelta(seconds=seconds)
        found = []
        for step, started in list(self.items()):
            if started <= before:
                output = self.outputs.get(step)
                so_far = output.so_far() if output else (0, "")
                found.append(LiveStep(step, to_rfc3339(started), *so_far))
        return found
