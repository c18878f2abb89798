"""Several commands as one change."""

from stackfold.domain.errors.bases import Busy, Conflict, Failed, Forbidden


class ChangeTimedOut(Failed):
    """A unit of work took too long, and was rolled back.

    Attributes:
        timeout: The seconds that it was allowed to take.
    """

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        super().__init__(
            f"the change took more than {timeout:g} s, and nothing was recorded: do less in it, "
            "or allow more time"
        )


class ChangeElsewhere(Busy):
    """A unit of work is open in another thread or async task, or has ended."""

    def __init__(self) -> None:
        super().__init__(
            "the change belongs to another thread or task, or has ended: use it and its workspace "
            "only where its block began, and await nothing in it"
        )


class ForkedInTransaction(Conflict):
    """A process was forked inside a transaction on the log, which only its parent can use."""

    def __init__(self) -> None:
        super().__init__(
            "this process was forked inside a change or query of its parent, which it cannot "
            "continue: leave the block, or fork before it"
        )


class OutsideChanges(Conflict):
    """A command that acts outside of the log was called in a unit of work.

    Attributes:
        command: The command.
    """

    def __init__(self, command: str) -> None:
        self.command = command
        super().__init__(
            f"{command} acts outside of the log, so it cannot be part of a change: call it after "
            "the block"
        )


class StatementRejected(Forbidden):
    """A statement of a unit of work is none on tables of its own.

    Attributes:
        problem: Why it is rejected.
    """

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(
            f"the statement was not executed: {problem}; execute one statement on tables of your "
            "own"
        )


class StatementFailed(Failed):
    """The database rejects a statement of a unit of work.

    Attributes:
        problem: What the database says.
    """

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(f"the statement failed: {problem}")
