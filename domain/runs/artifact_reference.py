"""ArtifactReference: a recorded artifact that can be given to a step in a pipeline function."""


class ArtifactReference:
    """A recorded artifact that can be given to a step in a pipeline function."""

    @property
    def given_as(self) -> str:
        """The reference that the run records."""
        raise NotImplementedError
