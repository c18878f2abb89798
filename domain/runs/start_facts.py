"""StartFacts: the data that is recorded when a run starts, besides its graph and its pin."""

from typing import Literal, TypedDict
from uuid import UUID

from pydantic import JsonValue

from stackfold.domain.runs.environment import Environment
from stackfold.domain.runs.failure_mode import FailureMode
from stackfold.domain.runs.pin import PinnedArtifact
from stackfold.domain.runs.returned import Returned

ParameterForm = Literal["plain", "exact"]
"""The format of recorded parameters: "plain" JSON, which type hints convert back to values, or
"exact" JSON, which includes the types; see `domain.exact_json`."""


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
