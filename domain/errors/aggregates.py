"""Aggregates of other packages, in the log of Stackfold."""

from stackfold.domain.errors.bases import Conflict, Invalid


class InvalidAggregate(Invalid):
    """The declaration of an aggregate is invalid, or cannot be loaded.

    Attributes:
        topic: The topic of the aggregate.
        problem: What is wrong with it, and what to do.
    """

    def __init__(self, topic: str, problem: str) -> None:
        self.topic, self.problem = topic, problem
        super().__init__(f"the aggregate {topic!r:.200} cannot be used: {problem}")


class UndeclaredChange(Conflict):
    """The last change is one of a package that this program does not know, so it is not undone.

    Attributes:
        position: Its position in the log.
        topic: The topic of the event.
        package: The package that recorded it; empty if it is unknown.
    """

    def __init__(self, position: int, topic: str, package: str) -> None:
        self.position, self.topic, self.package = position, topic, package
        what = f"install the package {package!r}" if package else "declare its aggregate"
        super().__init__(
            f"the last change, #{position}, contains {topic!r}, which this program does not know, "
            f"so it cannot be undone: {what}, or revert a stack or component by name"
        )
