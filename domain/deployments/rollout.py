"""Rollout: the releases that a deployment serves, their servers, and the update in progress."""

from collections.abc import Mapping, Sequence
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from stackfold.domain.deployments.recording import Recording
from stackfold.domain.deployments.release import (
    PendingUpdate,
    Release,
    ServedVersion,
    Server,
)
from stackfold.domain.runs.artifact import Artifact
from stackfold.domain.runs.pin import PinnedComponent

_REMEMBERED = 20
"""The number of earlier models that a deployment can be rolled back to."""


class Rollout(BaseModel):
    """What a deployment serves now, before and next; immutable."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    releases: tuple[Release, ...]
    """What is served, with the largest share first."""
    servers: dict[str, Server] = Field(default_factory=dict)
    """The id of each server → the server, where it is recorded that it is ready."""
    gateway: dict[str, JsonValue] | None = None
    """The gateway at the address; None if requests reach the server directly."""
    pending: PendingUpdate | None = None
    """The update whose outcome is not recorded; None if there is none."""
    retired: tuple[str, ...] = ()
    """The ids of the servers that the last update replaced, or started in vain."""
    previous: tuple[int, ...] = ()
    """The revisions that a rollback goes back to, the next one first."""
    because: int = 0
    """The position of the newest promotion that led to an update; 0 if none did."""
    recording: Recording | None = None
    """What is recorded of the requests; None if nothing is."""

    @classmethod
    def first(
        cls,
        server: UUID,
        model: str,
        artifact: Artifact,
        store: PinnedComponent,
        version: ServedVersion | None,
    ) -> Self:
        """The rollout of a new deployment; see `Release` for the arguments."""
        release = Release(
            server=server, model=model, artifact=artifact, store=store, version=version
        )
        return cls(releases=(release,))

    @property
    def main(self) -> Release:
        """The release with the largest share."""
        return self.releases[0]

    @property
    def traffic(self) -> dict[str, int]:
        """Each model that is served → its share in percent."""
        return dict(zip(self.titles, (each.share for each in self.releases), strict=True))

    @property
    def titles(self) -> list[str]:
        """A title for each release: its version of a model, or its artifact if that is not one."""
        titles = [each.title for each in self.releases]
        return [
            title if titles.count(title) == 1 else each.model
            for each, title in zip(self.releases, titles, strict=True)
        ]

    def reference(self, server: str) -> dict[str, JsonValue] | None:
        """What the model deployer needs to find a server; None if it was not recorded."""
        found = self.servers.get(server)
        return found.reference if found else None

    @property
    def new_servers(self) -> tuple[str, ...]:
        """The ids of the servers that only the pending update needs."""
        current = {each.server for each in self.releases}
        wanted = self.pending.releases if self.pending else ()
        return tuple(str(each.server) for each in wanted if each.server not in current)

    @property
    def all_servers(self) -> tuple[str, ...]:
        """The ids of all servers that may run, or that have left files."""
        current = (str(each.server) for each in self.releases)
        return tuple(dict.fromkeys((*current, *self.new_servers, *self.retired)))

    def previous_after(self, revision: int) -> tuple[int, ...]:
        """The revisions that a rollback goes back to after an update.

        Args:
            revision: The revision of the deployment before the update.
        """
        # With two models side by side, a rollback goes back to what was served alone.
        alone = len(self.releases) == 1
        return ((revision, *self.previous) if alone else self.previous)[:_REMEMBERED]

    def unserved(self) -> "Rollout":
        """Without servers, which are to be started again."""
        return self.model_copy(update={"servers": {}})

    def served(
        self, servers: Mapping[str, Server], gateway: dict[str, JsonValue] | None
    ) -> "Rollout":
        """With the servers that were started."""
        return self.model_copy(update={"servers": dict(servers), "gateway": gateway})

    def started(
        self,
        first: Server,
        servers: Mapping[str, Server],
        gateway: dict[str, JsonValue] | None,
    ) -> "Rollout":
        """With the servers that were started, of which only the first one may be known."""
        return self.served({str(self.main.server): first, **servers}, gateway)

    def requested(
        self, releases: Sequence[Release], previous: Sequence[int], because: int | None
    ) -> "Rollout":
        """With a pending update."""
        pending = PendingUpdate(releases=tuple(releases), previous=tuple(previous))
        return self.caught_up(because or 0).model_copy(update={"pending": pending})

    def recorded(self, recording: Recording | None) -> "Rollout":
        """With another recording."""
        return self.model_copy(update={"recording": recording})

    def caught_up(self, because: int) -> "Rollout":
        """With a promotion that needs no further update."""
        return self.model_copy(update={"because": max(because, self.because)})

    def switched(self, servers: Mapping[str, Server]) -> "Rollout":
        """With the releases of the pending update."""
        if self.pending is None:
            return self
        former = (str(each.server) for each in self.releases)
        return self.model_copy(
            update={
                "releases": self.pending.releases,
                "previous": self.pending.previous,
                "servers": dict(servers),
                "retired": tuple(each for each in former if each not in servers),
                "pending": None,
            }
        )

    def abandoned(self) -> "Rollout":
        """Without the pending update, whose servers are stopped."""
        retired = tuple(dict.fromkeys((*self.new_servers, *self.retired)))
        return self.model_copy(update={"retired": retired, "pending": None})
