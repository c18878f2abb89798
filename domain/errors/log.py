"""The log, files, and folders."""

from collections.abc import Sequence

from stackfold.domain.errors.refusal import StackfoldError


class ConcurrentModification(StackfoldError):
    """Somebody else changed the same fields while a command ran."""

    def __init__(self, kind: str, name: str, revision: int, by: str, fields: Sequence[str]) -> None:
        """Say who changed which `fields` in `revision`."""
        self.kind, self.name, self.revision = kind, name, revision
        self.by, self.fields = by, tuple(fields)
        super().__init__(
            f"{kind} {name!r} was changed by {by} meanwhile ({', '.join(self.fields)}, now "
            f"revision {revision}), nothing was recorded: look at it and try again"
        )


class TooBusy(StackfoldError):
    """Others were faster every time."""

    def __init__(self, attempts: int) -> None:
        """Give up after so many lost races."""
        self.attempts = attempts
        super().__init__(
            f"others changed the same things {attempts} times meanwhile, nothing was recorded: "
            "try again"
        )


class LogUnavailable(StackfoldError):
    """The log cannot be read or written: locked, missing, read-only, full or damaged."""

    def __init__(self, place: str, problem: str) -> None:
        """Say what is wrong with the log at `place`."""
        self.place, self.problem = place, problem
        super().__init__(f"the log at {place} {problem}")


class ClockJumped(StackfoldError):
    """The clock is so far ahead of the log that it is more likely to be wrong."""

    def __init__(self, now: str, last: str, option: str) -> None:
        """Say what the clock says, when the `last` event was recorded, and what goes on."""
        self.now, self.last, self.option = now, last, option
        super().__init__(
            f"the clock says {now[:10]}, more than ten years after the log's last event "
            f"({last[:10]}), and nothing was recorded: set the clock, or set {option}=1 if it is "
            "right"
        )


class PermissionDenied(LogUnavailable):
    """The database does not give this user the right to do something with the log."""

    def __init__(self, place: str, problem: str) -> None:
        """Say what is not allowed at `place`."""
        super().__init__(place, f"{problem}: ask the owner of the log for the right")


class ReadModelDamaged(StackfoldError):
    """A read model holds what nothing writes there; the log itself is another matter."""

    def __init__(self, problem: str) -> None:
        """Say what cannot be read."""
        self.problem = problem
        super().__init__(f"{problem}: run `stackfold log rebuild`, which makes it anew")


class InvalidStore(StackfoldError):
    """An address of a shared log is not to be used."""

    def __init__(self, problem: str) -> None:
        """Say what is wrong with it, but not what it is: it may hold a password."""
        self.problem = problem
        super().__init__(f"the address of the store {problem}")


class LogExists(StackfoldError):
    """A home that should get a log has one."""

    def __init__(self, place: str) -> None:
        """Refuse to replace the log at `place`."""
        self.place = place
        kind = "database" if "://" in place else "home"
        super().__init__(f"there is a log at {place} already: choose an empty {kind}")


class UnreadableEvent(StackfoldError):
    """The log holds an event that this version cannot load."""

    def __init__(self, topic: str, reason: str, position: int | None = None) -> None:
        """Say why the event of `topic` at `position`, if that is known, cannot be loaded."""
        self.topic, self.reason, self.position = topic, reason, position
        place = f" at #{position}" if position else ""
        super().__init__(f"the log holds an event {topic!r}{place} that cannot be loaded: {reason}")


class UnsignedEvent(StackfoldError):
    """An event was to be recorded without saying who made the change."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        super().__init__(
            f"the event {topic!r} has no metadata: save its aggregate through the repository of a "
            "workspace, which knows who acts"
        )


class UndeclaredTopic(StackfoldError):
    """An event was to be recorded that no aggregate type declares, so nobody could load it."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        super().__init__(
            f"no aggregate type declares the event {topic!r}: declare its class in the aggregate "
            "and give the aggregate's type to the workspace"
        )


class Unrecordable(StackfoldError):
    """Something was said that the log cannot keep as it was said."""

    def __init__(self, topic: str, reason: str) -> None:
        """Say why an event of `topic` cannot be stored."""
        self.topic, self.reason = topic, reason
        super().__init__(f"an event {topic!r} cannot be recorded: {reason}")


class InvalidFile(StackfoldError):
    """A file that was to be read is not what it should be."""

    def __init__(self, path: str, problem: str) -> None:
        """Say what is wrong with the file at `path`."""
        self.path, self.problem = path, problem
        super().__init__(f"{path}: {problem}")


class ProjectExists(StackfoldError):
    """A folder is a project already."""

    def __init__(self, folder: str) -> None:
        """Refuse to make `folder` a project again."""
        self.folder = folder
        super().__init__(f"{folder} is a project already: nothing to do")
