"""Schedules."""

from stackfold.domain.errors.bases import Conflict, Invalid


class InvalidSchedule(Invalid):
    """A schedule cannot be as it is declared.

    Attributes:
        subject: What is wrong, such as "the time zone 'Mars'".
        problem: Why, and what to do.
    """

    def __init__(self, subject: str, problem: str) -> None:
        self.subject, self.problem = subject, problem
        super().__init__(f"{subject} {problem}")


class AlreadyStarted(Conflict):
    """A run was started for a time of a schedule before; there is one run per time.

    Attributes:
        schedule: The name of the schedule.
        time: The time.
        run: The id of the run.
    """

    def __init__(self, schedule: str, time: str, run: str) -> None:
        self.schedule, self.time, self.run = schedule, time, run
        super().__init__(f"schedule {schedule!r} has started a run for {time} already: {run}")
