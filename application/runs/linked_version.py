"""LinkedVersion: the version of a model that a run makes or continues."""

from typing import NamedTuple


class LinkedVersion(NamedTuple):
    """The version of a model that a run makes or continues."""

    id: str
    model: str
    """The name of the model."""
    number: int

    def __str__(self) -> str:
        return f"{self.model}@{self.number}"
