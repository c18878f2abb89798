"""Claims: locks on runs, which ensure that only one process executes a run at a time."""

from contextlib import AbstractContextManager
from typing import Protocol


class Claims(Protocol):
    """The claims on the runs of a log."""

    def claim(self, run: str, name: str) -> AbstractContextManager[None]:
        """Claim a run for the block; the claim ends with the process at the latest.

        Args:
            run: The id of the run.
            name: The name of the run, for the error.

        Raises:
            RunBusy: A process has claimed the run.
        """
        ...

    def is_claimed(self, run: str) -> bool:
        """Whether a process that is alive has claimed the run with an id."""
        ...
