"""Artifact: a value that a step produced, as the artifact store keeps it."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, JsonValue


class Artifact(BaseModel):
    """Where a value is, what it is, and how to know that it is still the same."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    id: UUID
    name: str
    """The output's name within its step."""
    type: str
    """The value's Python type, as "module.Class"."""
    materializer: str
    """The name of the materializer that wrote it and can read it."""
    uri: str
    """Its absolute address in the artifact store."""
    digest: str
    """sha256 of the stored bytes, in hexadecimal."""
    size: int
    """Length in bytes."""
    versions: dict[str, str] = {}
    """"python" and module → the version that wrote it, where another may fail to read it."""
    metadata: dict[str, JsonValue] = {}
    """What the step said of it."""
    tags: tuple[str, ...] = ()
