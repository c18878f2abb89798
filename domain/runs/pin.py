"""Pin: the exact revisions of a stack and its components that a run uses."""

import hashlib
from uuid import UUID

from pydantic import BaseModel, ConfigDict, JsonValue

from stackfold.domain.canonical_json import canonical_json
from stackfold.domain.runs.artifact import Artifact
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.domain.stacks.secret_references import references


class PinnedComponent(BaseModel):
    """A component at the revision that a run uses."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    id: UUID
    type: ComponentType
    name: str
    flavor: str
    revision: int
    configuration: dict[str, JsonValue]
    """The resolved configuration: all fields of the flavor, with secrets as references."""
    flavor_version: str = ""
    """The version of the package that provides the flavor; empty for a custom flavor."""
    source: str = ""
    """The class of the flavor, as "module.Class"; empty if unknown."""


class Pin(BaseModel):
    """A revision of a stack, with the revisions and resolved configurations of its components."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    stack_id: UUID
    stack: str
    revision: int
    components: dict[ComponentType, tuple[PinnedComponent, ...]]
    """Component type → components; the first is the default."""

    def component(self, type: ComponentType, name: str | None = None) -> PinnedComponent | None:
        """Return the component of a type, by name or the default one; None if it does not exist."""
        components = self.components.get(type, ())
        if name is None:
            return components[0] if components else None
        return next((each for each in components if each.name == name), None)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The references to secrets in the configurations of all components."""
        components = [each for several in self.components.values() for each in several]
        found = [each for known in components for each in references(known.configuration)]
        return tuple(dict.fromkeys(found))

    @property
    def fingerprint(self) -> str:
        """sha256 of the canonical JSON (sorted keys, no spaces, UTF-8), in hexadecimal."""
        return hashlib.sha256(canonical_json(self.model_dump(mode="json")).encode()).hexdigest()


class PinnedArtifact(BaseModel):
    """An artifact of an earlier run that steps of a run take, as a reference meant it at start."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    artifact: Artifact
    reference: str
    """The exact version, such as "dataset@3"."""
    store: PinnedComponent
    """The artifact store that contains it, which may be that of another stack."""
