"""Alerters: messages to people, and their answers."""

from stackfold.domain.errors.bases import Conflict, Failed, Unavailable


class AlerterUnavailable(Unavailable):
    """The tool of an alerter cannot be reached, or limits the rate of messages.

    Attributes:
        location: Its address, without secrets.
        problem: What is wrong with it.
        retry_after: Seconds after which the tool wants to be asked again; None if it did not say.
    """

    def __init__(self, location: str, problem: str, retry_after: float | None = None) -> None:
        self.location, self.retry_after = location, retry_after
        super().__init__(f"the alerter at {location}", problem)


class AlertRejected(Conflict):
    """The tool of an alerter does not take a message.

    Attributes:
        location: Its address, without secrets.
        problem: What is wrong, and what to do.
    """

    def __init__(self, location: str, problem: str) -> None:
        self.location, self.problem = location, problem
        super().__init__(f"the alerter at {location} rejects the message: {problem}")


class AlerterCannotAsk(Conflict):
    """An alerter cannot receive answers.

    Attributes:
        flavor: Its flavor.
        problem: Why, and what to do.
    """

    def __init__(self, flavor: str, problem: str) -> None:
        self.flavor, self.problem = flavor, problem
        super().__init__(f"the alerter {flavor!r} cannot ask: {problem}")


class AlertUnanswered(Failed):
    """Nobody answered a question in time.

    Attributes:
        seconds: How long the answer was awaited.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(f"nobody answered within {seconds:g} s: ask again")
