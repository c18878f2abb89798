"""Recording: what is kept of the requests of a deployment, and of its predictions."""

from collections.abc import Iterable
from typing import Self

from pydantic import BaseModel, ConfigDict

from stackfold.domain.errors import InvalidRecording
from stackfold.domain.runs.pin import PinnedComponent

MAX_DAYS = 3650
_MAX_NAMES, _MAX_NAME = 100, 200


class Recording(BaseModel):
    """What is recorded, where, and for how long."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    rate: float
    """The share of the requests, above 0 and up to 1."""
    leave_out: tuple[str, ...]
    """The fields that are never written."""
    keep_days: int
    """The days after which a request is deleted."""
    store: PinnedComponent
    """The artifact store that keeps it."""

    @classmethod
    def of(
        cls, rate: float, leave_out: Iterable[str], keep_days: int, store: PinnedComponent
    ) -> Self:
        """Check what a user asks for.

        Raises:
            InvalidRecording: A value is out of its range.
        """
        names = tuple(dict.fromkeys(leave_out))
        if not 0 < rate <= 1:
            raise InvalidRecording(f"the rate is {rate:g}: give one above 0 and up to 1")
        if not 1 <= keep_days <= MAX_DAYS:
            raise InvalidRecording(f"requests are kept from 1 to {MAX_DAYS} days, not {keep_days}")
        if len(names) > _MAX_NAMES or any(not 0 < len(each) <= _MAX_NAME for each in names):
            problem = f"at most {_MAX_NAMES} fields are left out, of 1 to {_MAX_NAME} characters"
            raise InvalidRecording(problem)
        return cls(rate=rate, leave_out=names, keep_days=keep_days, store=store)
