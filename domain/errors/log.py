"""The log of events, its databases, and files."""

from collections.abc import Sequence

from stackfold.domain.errors.bases import Conflict, Damaged, Failed, Forbidden, Invalid, Unavailable


class ConcurrentModification(Conflict):
    """A concurrent change touched the same fields, so nothing was recorded.

    Attributes:
        kind: What was to be changed, such as "stack".
        name: Its name.
        revision: Its revision after the concurrent change.
        by: Who made that.
        fields: The fields that both changed.
    """

    def __init__(self, kind: str, name: str, revision: int, by: str, fields: Sequence[str]) -> None:
        self.kind, self.name, self.revision = kind, name, revision
        self.by, self.fields = by, tuple(fields)
        super().__init__(
            f"{by} changed {kind} {name!r} at the same time ({', '.join(self.fields)}, now "
            f"revision {revision}), nothing was recorded: check it and try again"
        )


class StaleRevision(ConcurrentModification):
    """A command expected another revision than the latest, so nothing was recorded.

    Attributes:
        kind: What was to be changed, such as "stack".
        name: Its name.
        revision: Its latest revision.
        by: Who made the change after the expected revision; empty if there was none.
        fields: The fields that changed after the expected revision.
        expected: The expected revision.
    """

    def __init__(
        self, kind: str, name: str, revision: int, by: str, fields: Sequence[str], expected: int
    ) -> None:
        super().__init__(kind, name, revision, by, fields)
        self.expected = expected
        since = f"{by} changed {', '.join(fields)}; " if fields else ""
        self.args = (
            f"{kind} {name!r} is at revision {revision}, not {expected}: {since}nothing was "
            "recorded: check it and try again",
        )


class StalePosition(ConcurrentModification):
    """A command expected that nothing changed after a position, so nothing was recorded.

    Attributes:
        kind: What changed, such as "stack".
        name: Its name.
        revision: Its revision after that change.
        by: Who made that change.
        fields: The fields that it changed.
        expected: The expected position.
        position: The position of the change.
        action: What was done, as a participle, such as "updated".
    """

    def __init__(
        self,
        kind: str,
        name: str,
        revision: int,
        by: str,
        fields: Sequence[str],
        expected: int,
        position: int,
        action: str,
    ) -> None:
        super().__init__(kind, name, revision, by, fields)
        self.expected, self.position, self.action = expected, position, action
        self.args = (
            f"after #{expected}, {by} changed the log (#{position}: {kind} {name!r} {action}), "
            "nothing was recorded: check it and try again",
        )


class LogUnavailable(Unavailable):
    """The log cannot be read or written: it is locked, missing, read-only, full or damaged.

    Attributes:
        location: Its folder or address.
        problem: What is wrong with it, as a predicate, and what to do.
    """

    def __init__(self, location: str, problem: str) -> None:
        self.location = location
        subject = f"the log at {location}"
        super().__init__(subject, problem, message=f"{subject} {problem}")


class WriteInterrupted(LogUnavailable):
    """The connection was lost during a write, whose events may have been recorded.

    Attributes:
        location: The log's address.
        committing: Whether it was lost during the commit, so that the events may be there.
    """

    def __init__(self, location: str, *, committing: bool = True) -> None:
        self.committing = committing
        super().__init__(
            location,
            "was disconnected during a commit, so the change may or may not be recorded: check it "
            "when the connection is back"
            if committing
            else "was disconnected during a write, and nothing was recorded: try again",
        )


class ReadInterrupted(LogUnavailable):
    """The connection was lost during a read, which can be repeated.

    Attributes:
        location: The log's address.
    """

    def __init__(self, location: str) -> None:
        super().__init__(location, "was disconnected during a read: try again")


class PermissionDenied(LogUnavailable, Forbidden):
    """The database user lacks a permission on the log.

    Attributes:
        location: The log's address.
        problem: What is not permitted, and what to do.
    """

    def __init__(self, location: str, problem: str) -> None:
        super().__init__(location, f"{problem}: ask the owner of the log for the permission")


class ClockJumped(Conflict):
    """The clock is more than ten years ahead of the log, so nothing was recorded.

    Attributes:
        now: The clock's time, in ISO 8601.
        last: When the last event was recorded, in ISO 8601.
        variable: The environment variable that allows it.
    """

    def __init__(self, now: str, last: str, variable: str) -> None:
        self.now, self.last, self.variable = now, last, variable
        super().__init__(
            f"the clock says {now[:10]}, more than ten years after the log's last event "
            f"({last[:10]}), and nothing was recorded: set the clock, or set {variable}=1 if it "
            "is right"
        )


class ReadModelDamaged(Damaged):
    """A read model holds invalid rows; the log itself may be intact.

    Attributes:
        problem: What is wrong with it.
    """

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(f"{problem}: rebuild the read models")


class LogDiverged(Conflict):
    """The log does not continue from a checkpoint: it was replaced, or restored from a backup.

    Attributes:
        checkpoint: The position and hash up to which the log was read earlier.
        problem: What the log contains instead.
    """

    def __init__(self, checkpoint: str, problem: str) -> None:
        self.checkpoint, self.problem = checkpoint, problem
        super().__init__(
            f"the log does not continue from {checkpoint}: {problem}; rebuild what was derived "
            "from the earlier log, from the beginning of this one"
        )


class ProjectionFailed(Failed):
    """A projection raised an error, and its transaction was rolled back.

    Attributes:
        projection: Its name.
        position: The position of the event that it could not apply; 0 for its tables.
        problem: The error that it raised.
    """

    def __init__(self, projection: str, position: int, problem: str) -> None:
        self.projection, self.position, self.problem = projection, position, problem
        where = f"the event at #{position}" if position else "its tables"
        super().__init__(
            f"the projection {projection!r} failed on {where}: {problem}: correct it, and run it "
            "again"
        )


class LogExists(Conflict):
    """A log was to be created where there is one.

    Attributes:
        location: Its folder or address.
    """

    def __init__(self, location: str) -> None:
        self.location = location
        kind = "database" if "://" in location else "home"
        super().__init__(f"a log exists at {location}: choose an empty {kind}")


class UnreadableEvent(Damaged):
    """The log holds an event that this version cannot load.

    Attributes:
        topic: The event's topic.
        reason: Why it cannot be loaded.
        position: Its position in the log; None if unknown.
    """

    def __init__(self, topic: str, reason: str, position: int | None = None) -> None:
        self.topic, self.reason, self.position = topic, reason, position
        where = f" at #{position}" if position else ""
        super().__init__(f"the log holds an event {topic!r}{where} that cannot be loaded: {reason}")


class ContradictoryEvents(Damaged):
    """Events cannot be copied into a new log, as they exclude each other.

    Attributes:
        problem: What is wrong with them.
    """

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(f"the events cannot be one log: {problem}")


class Unrecordable(Invalid):
    """An event cannot be written to the log.

    Attributes:
        topic: The event's topic.
        reason: Why not, and what to do.
    """

    def __init__(self, topic: str, reason: str) -> None:
        self.topic, self.reason = topic, reason
        super().__init__(f"an event {topic!r} cannot be recorded: {reason}")


class InvalidFile(Invalid):
    """A file is missing, unreadable, or its content is malformed.

    Attributes:
        path: Its path.
        problem: What is wrong with it.
    """

    def __init__(self, path: str, problem: str) -> None:
        self.path, self.problem = path, problem
        super().__init__(f"{path}: {problem}")
