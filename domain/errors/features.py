"""Feature stores."""

from stackfold.domain.errors.bases import Invalid, Unavailable


class FeatureStoreUnavailable(Unavailable):
    """A feature store cannot be used.

    Attributes:
        location: Its address or folder.
        problem: What is wrong with it, and what to do.
    """

    def __init__(self, location: str, problem: str) -> None:
        self.location = location
        super().__init__(f"the feature store at {location}", problem)


class InvalidFeatures(Invalid):
    """Features, or the entities whose features are read, do not fit the definitions.

    Attributes:
        problem: What is wrong, and what to do.
    """

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(problem)
