"""Data validation."""

from collections.abc import Sequence
from typing import Any

from stackfold.domain.errors.bases import Failed, Invalid


class ValidationFailed(Failed):
    """Data did not pass the checks of a data validator.

    Attributes:
        report: The `ValidationReport`, with all failed checks.
    """

    def __init__(self, report: Any) -> None:
        self.report = report
        super().__init__(report.summary)


class ValidatorCannot(Invalid):
    """A data validator does not support a method, as its tool does not.

    Attributes:
        flavor: The flavor of the data validator.
        method: The method, such as "compare".
        can: The methods that it has.
        problem: What cannot be done, and what to do instead.
    """

    def __init__(self, flavor: str, method: str, can: Sequence[str], problem: str = "") -> None:
        self.flavor, self.method, self.can = flavor, method, tuple(can)
        known = " and ".join(filter(None, [", ".join(self.can[:-1]), *self.can[-1:]])) or "nothing"
        self.problem = problem or f"it can {known}: use a data validator of another flavor"
        super().__init__(f"the data validator {flavor!r} cannot {method}: {self.problem}")


class ValidatorFailed(Failed):
    """The tool of a data validator raised an error instead of a result.

    Attributes:
        flavor: The flavor of the data validator.
        method: The method, such as "compare".
        problem: What the tool raised, in one line.
    """

    def __init__(self, flavor: str, method: str, problem: str) -> None:
        self.flavor, self.method, self.problem = flavor, method, problem
        super().__init__(f"the data validator {flavor!r} could not {method}: {problem}")


class InvalidTable(Invalid):
    """Data is not a table that a data validator takes.

    Attributes:
        problem: What is wrong with it, and what to do.
    """

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(f"the data cannot be validated: {problem}")


class InvalidExpectations(Invalid):
    """A data validator does not take what data is to be checked against.

    Attributes:
        problem: What is wrong with it, and what to do.
    """

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(f"the expectations cannot be used: {problem}")
