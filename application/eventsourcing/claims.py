"""Claims: who executes a run, so that nobody else does, and that a dead one is told from a slow."""

from contextlib import AbstractContextManager
from typing import Protocol


class Claims(Protocol):
    """What is known of who executes what."""

    def hold(self, run: str, name: str) -> AbstractContextManager[None]:
        """Claim a run for the block; the claim ends with the process at the latest.

        Args:
            run: The run's id.
            name: Its name, for the refusal.

        Raises:
            RunBusy: Somebody has claimed it.
        """
        ...

    def held(self, run: str) -> bool:
        """Whether somebody who is alive has claimed the run with that id."""
        ...
