"""Reactions to events."""

from stackfold.domain.errors.bases import Conflict, Failed, Invalid
from stackfold.domain.errors.log import LogDiverged


class ReactionDiverged(LogDiverged):
    """The log was replaced, so a reaction does not know where to continue.

    Attributes:
        reaction: Its name.
        checkpoint: The position and hash up to which it handled the log.
        problem: What the log contains instead.
    """

    def __init__(self, reaction: str, checkpoint: str, problem: str) -> None:
        super().__init__(checkpoint, problem)
        self.reaction = reaction
        self.args = (
            f"the reaction {reaction!r} handled the events up to {checkpoint}, but {problem}: the "
            "log was replaced; reset the reaction to continue with the next event",
        )


class InvalidReaction(Invalid):
    """A package declares a reaction that cannot be loaded.

    Attributes:
        reaction: The name of its entry point.
        package: The package that declares it.
        problem: What is wrong with it.
    """

    def __init__(self, reaction: str, package: str, problem: str) -> None:
        self.reaction, self.package, self.problem = reaction, package, problem
        super().__init__(f"the reaction {reaction!r} of the package {package} {problem}")


class ReactionLoop(Conflict):
    """An event was caused by so many reactions in a row that they probably trigger each other.

    Attributes:
        reaction: The reaction that was to handle it.
        correlation_id: Names the event that the chain began with, and the last reaction in it.
        hops: The number of reactions in the chain.
    """

    def __init__(self, reaction: str, correlation_id: str, hops: int) -> None:
        self.reaction, self.correlation_id, self.hops = reaction, correlation_id, hops
        super().__init__(
            f"{hops} reactions in a row led to this event ({correlation_id}), so that "
            f"{reaction!r} is probably in a loop: let it ignore what it causes itself"
        )


class WebhookFailed(Failed):
    """A webhook did not accept an event.

    Attributes:
        host: The host that the event was sent to.
        problem: What it answered, or why it was not reached.
        status: The status code of the answer; None without an answer.
    """

    def __init__(self, host: str, problem: str, status: int | None = None) -> None:
        self.host, self.problem, self.status = host, problem, status
        super().__init__(f"the webhook at {host} {problem}")
