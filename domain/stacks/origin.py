"""Origin: what a copy was made of."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict


class Origin(BaseModel):
    """Something at a revision."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    id: UUID
    revision: int | None
    """None where it was copied before the log told the revision."""
