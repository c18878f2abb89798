"""Origin: what a stack or component was copied from."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict


class Origin(BaseModel):
    """The stack or component that was copied, at a revision."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    id: UUID
    revision: int | None
    """None for copies made before the log recorded the revision."""
