"""Releases: the models that a deployment serves side by side, each with a share of the requests."""

from collections.abc import Sequence
from uuid import UUID

from pydantic import BaseModel, ConfigDict, JsonValue

from stackfold.domain.errors import InvalidTraffic
from stackfold.domain.runs.artifact import Artifact
from stackfold.domain.runs.pin import PinnedComponent

WHOLE = 100
"""The sum of the shares of a deployment, in percent."""


class ServedVersion(BaseModel):
    """A version of a model."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    model: UUID
    name: str
    """The name of the model at that time."""
    number: int

    def __str__(self) -> str:
        return f"{self.name}@{self.number}"


class Release(BaseModel):
    """A model that a deployment serves, by a server of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    server: UUID
    """The id by which the model deployer finds the server."""
    model: str
    """The model, as "pipeline/step/output@version"."""
    artifact: Artifact
    store: PinnedComponent
    """The artifact store that holds the model."""
    version: ServedVersion | None = None
    """The version of a model that the artifact belongs to; None if it belongs to none."""
    share: int = WHOLE
    """The percentage of the requests that its server answers."""

    @property
    def title(self) -> str:
        """The version of the model, such as "fraud@7", or else the artifact."""
        return str(self.version) if self.version else self.model

    def serves_same(self, other: "Release") -> bool:
        """Whether the server of another release answers the same, and under the same name."""
        return self.artifact.id == other.artifact.id and self.title == other.title


class Server(BaseModel):
    """The server of a release, once it is ready."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    reference: dict[str, JsonValue]
    """What the model deployer needs to find it; contains no secret."""
    url: str
    """Its own address for predictions."""


class PendingUpdate(BaseModel):
    """An update that was requested, and whose outcome is not recorded yet."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    releases: tuple[Release, ...]
    previous: tuple[int, ...]
    """The revisions that a rollback goes back to after the update, the next one first."""


class FollowedAlias(BaseModel):
    """An alias of a model, whose version a deployment serves."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    model: UUID
    name: str
    """The name of the model at that time."""
    alias: str

    def __str__(self) -> str:
        return f"{self.name}@{self.alias}"


def must_be_whole(shares: Sequence[int]) -> None:
    """Reject shares that are no division of all requests.

    Args:
        shares: A percentage for each release.

    Raises:
        InvalidTraffic: A share is not between 1 and 100, or their sum is not 100.
    """
    if not shares or any(not 1 <= share <= WHOLE for share in shares):
        raise InvalidTraffic("each share is a whole number from 1 to 100")
    if sum(shares) != WHOLE:
        raise InvalidTraffic(f"the shares add up to {sum(shares)}: they must add up to {WHOLE}")
