"""Experiment trackers."""

from stackfold.domain.errors.bases import Unavailable


class TrackerUnavailable(Unavailable):
    """An experiment tracker cannot be reached, or rejects what it is sent.

    Attributes:
        location: Its address or folder.
        problem: What is wrong with it.
    """

    def __init__(self, location: str, problem: str) -> None:
        self.location = location
        super().__init__(f"the experiment tracker at {location}", problem)
