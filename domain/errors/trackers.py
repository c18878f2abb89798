"""Experiment trackers."""

from stackfold.domain.errors.refusal import StackfoldError


class TrackerUnavailable(StackfoldError):
    """An experiment tracker cannot be reached, or refuses what it is told."""

    def __init__(self, place: str, problem: str) -> None:
        """Say what is wrong with the tracker at `place`."""
        self.place, self.problem = place, problem
        super().__init__(f"the experiment tracker at {place} cannot be used: {problem}")
