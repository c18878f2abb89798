"""Annotators."""

from stackfold.domain.errors.bases import Conflict, Unavailable


class AnnotatorUnavailable(Unavailable):
    """An annotator cannot be reached, or does not answer as one.

    Attributes:
        location: Its address.
        problem: What is wrong with it, and what to do.
    """

    def __init__(self, location: str, problem: str) -> None:
        self.location = location
        super().__init__(f"the annotator at {location}", problem)


class AnnotatorRejected(Conflict):
    """An annotator does not take a dataset, its items or its labels.

    Attributes:
        location: Its address.
        problem: What is wrong, and what to do.
    """

    def __init__(self, location: str, problem: str) -> None:
        self.location, self.problem = location, problem
        super().__init__(f"the annotator at {location} rejects it: {problem}")
