"""Pin: the exact stack, and everything behind it, that a run uses."""

import hashlib
from uuid import UUID

from pydantic import BaseModel, ConfigDict, JsonValue

from stackfold.domain.canonical_json import canonical_json
from stackfold.domain.stacks.component_type import ComponentType


class PinnedComponent(BaseModel):
    """A component as a run found it."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    id: UUID
    type: ComponentType
    name: str
    flavor: str
    revision: int
    configuration: dict[str, JsonValue]
    """Resolved: every field of the flavor, defaults included; secrets as references."""
    flavor_version: str = ""
    """The version of the package that ships the flavor; empty for one of the user's own."""
    source: str = ""
    """Where the flavor's class was, as "module.Class"; empty where that is unknown."""


class Pin(BaseModel):
    """A stack's revision with the revisions and resolved configuration of its components."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    stack_id: UUID
    stack: str
    revision: int
    components: dict[ComponentType, tuple[PinnedComponent, ...]]
    """Component type → components, the default one first."""

    def component(self, type: ComponentType, name: str | None = None) -> PinnedComponent | None:
        """The component of a type called `name`, or the default one; None if there is none."""
        held = self.components.get(type, ())
        if name is None:
            return held[0] if held else None
        return next((each for each in held if each.name == name), None)

    @property
    def fingerprint(self) -> str:
        """sha256 of the canonical JSON (sorted keys, no spaces, UTF-8), in hexadecimal."""
        return hashlib.sha256(canonical_json(self.model_dump(mode="json")).encode()).hexdigest()
