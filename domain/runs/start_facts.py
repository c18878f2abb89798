"""StartFacts: the data that is recorded when a run starts, besides its graph and its pin."""

from typing import Literal, TypedDict
from uuid import UUID, uuid4, uuid5

from pydantic import BaseModel, ConfigDict, JsonValue

from stackfold.domain.runs.environment import Environment
from stackfold.domain.runs.failure_mode import FailureMode
from stackfold.domain.runs.pin import PinnedArtifact
from stackfold.domain.runs.returned import Returned

ParameterForm = Literal["plain", "exact"]
"""The format of recorded parameters: "plain" JSON, which type hints convert back to values, or
"exact" JSON, which includes the types; see `domain.exact_json`."""


class Occurrence(BaseModel):
    """The time of a schedule, or the event, that a run was started for."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    schedule: UUID
    time: str
    """RFC 3339, UTC; or "#" and the position of an event."""

    @property
    def run(self) -> UUID:
        """The id of the run, in every process: so the log accepts one run for each occurrence."""
        return uuid5(self.schedule, self.time)


class StartFacts(TypedDict, total=False):
    """The data of a run that starts; see `Run.Started`."""

    mode: FailureMode
    configuration: dict[str, JsonValue]
    environment: Environment
    rerun_of: UUID | None
    tags: tuple[str, ...]
    metadata: dict[str, JsonValue]
    import_root: str
    code_form: int
    opaque: dict[str, tuple[str, ...]]
    model_version: UUID | None
    references: dict[str, PinnedArtifact]
    returns: Returned | None
    occurrence: Occurrence | None


def new_id(facts: StartFacts) -> UUID:
    """The id of a run that starts: random, unless a schedule starts it."""
    occurrence = facts.get("occurrence")
    return occurrence.run if occurrence else uuid4()
