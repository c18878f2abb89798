"""Artifact: a value that a step produced, in an artifact store."""

from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, JsonValue


class OwnName(BaseModel):
    """The name that an artifact has across pipelines and steps."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    name: str
    label: str = ""
    """A text that names the version; empty for none."""


class StoredPreview(BaseModel):
    """A small text, picture or page that shows what an artifact contains, stored beside it."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    uri: str
    digest: str
    """sha256 of its bytes, in hexadecimal."""
    size: int
    """Length in bytes."""


class Artifact(BaseModel):
    """The location, type and digest of a stored value."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    LATER_FIELDS: ClassVar[frozenset[str]] = frozenset({"files", "manifest", "preview"})
    """As in events: omitted from them at their default."""

    id: UUID
    name: str
    """The name of the output of the step."""
    type: str
    """The Python type of the value, as "module.Class"."""
    materializer: str
    """The name of the materializer that wrote it and can read it."""
    uri: str
    """Its absolute address in the artifact store."""
    digest: str
    """sha256 of the stored bytes, in hexadecimal."""
    size: int
    """Length in bytes; of a folder, that of its files together."""
    versions: dict[str, str] = {}
    """"python" or module → the version that wrote it, where other versions may fail to read it."""
    metadata: dict[str, JsonValue] = {}
    """Metadata that the step added."""
    tags: tuple[str, ...] = ()
    files: int | None = None
    """The number of files in a folder; None for a single file."""
    manifest: int | None = None
    """Length in bytes of the manifest, which is what `uri` and `digest` identify of a folder."""
    preview: StoredPreview | None = None
    """What its materializer made to show it; None for most."""

    @property
    def stored_size(self) -> int:
        """Length in bytes of the object that `uri` identifies."""
        return self.size if self.manifest is None else self.manifest
