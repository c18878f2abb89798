"""Deployment: models that pipelines made, served under a name."""

from collections.abc import Mapping, Sequence
from typing import Literal, Self
from uuid import UUID, uuid4

from pydantic import Field, JsonValue

from stackfold.domain.deployments.recorded_deployment import RecordedDeployment
from stackfold.domain.deployments.release import (
    FollowedAlias,
    Release,
    ServedVersion,
    Server,
    must_be_whole,
)
from stackfold.domain.deployments.rollout import Rollout
from stackfold.domain.errors import Conflict, NothingToChange
from stackfold.domain.eventsourcing.event import FirstEvent
from stackfold.domain.name import valid_name
from stackfold.domain.runs.artifact import Artifact
from stackfold.domain.runs.pin import PinnedComponent

Status = Literal["unfinished", "started", "failed", "stopped"]
"""What the log records: "unfinished" from the request to start until the start succeeds or fails.
Whether the server of a started deployment answers is not recorded."""


class Deployment(RecordedDeployment):
    """The models that are served, the stack and the model deployer that serve them, and a status.

    A deployment has copies of all that is needed to serve a model and to find its server, so it
    does not depend on later changes of the stack, its components or the run.
    """

    TOPIC = "deployment"

    class Event(RecordedDeployment.Event):
        """Base class of the events of a deployment."""

    class Registered(Event, FirstEvent):
        """A deployment was registered; recorded before its server is started."""

        TOPIC = "deployment.registered"
        originator_topic: Literal["deployment"]
        name: str
        model: str
        """The model, as "pipeline/step/output@version"."""
        artifact: Artifact
        """The address, type and digest of the model."""
        store: PinnedComponent
        """The artifact store that holds the model."""
        stack_id: UUID
        stack: str
        """The name of the stack at that time."""
        stack_revision: int
        deployer: PinnedComponent
        version: ServedVersion | None = None
        """The version of a model that the artifact belongs to; None if it belongs to none."""

    class StartRequested(Event):
        """A start was requested; recorded before the servers are started."""

        TOPIC = "deployment.start_requested"

        def apply(self, aggregate: "Deployment") -> None:
            aggregate.status = "unfinished"
            aggregate.rollout = aggregate.rollout.unserved()

    class Started(Event):
        """The servers are ready for predictions."""

        TOPIC = "deployment.started"
        reference: dict[str, JsonValue]
        """What the model deployer needs to find the first server; contains no secret."""
        url: str
        """The address for predictions."""
        servers: dict[str, Server] = Field(default_factory=dict)
        """The id of each server → the server; empty if requests reach the first one directly."""
        gateway: dict[str, JsonValue] | None = None
        """The gateway at the address; None if requests reach the server directly."""

        def apply(self, aggregate: "Deployment") -> None:
            aggregate.status = "started"
            first = Server(reference=self.reference, url=self.url)
            aggregate.rollout = aggregate.rollout.started(first, self.servers, self.gateway)

    class Failed(Event):
        """A server could not be started, and none is running."""

        TOPIC = "deployment.failed"
        error: str

        def apply(self, aggregate: "Deployment") -> None:
            aggregate.status = "failed"

    class UpdateRequested(Event):
        """Other models or shares were requested; recorded before their servers are started."""

        TOPIC = "deployment.update_requested"
        releases: tuple[Release, ...]
        """What is to be served, with the largest share first."""
        previous: tuple[int, ...]
        """The revisions that a rollback goes back to after the update, the next one first."""
        because: int | None
        """The position of the promotion that the deployment follows; None for a command."""

        def apply(self, aggregate: "Deployment") -> None:
            aggregate.rollout = aggregate.rollout.requested(
                self.releases, self.previous, self.because
            )

    class Switched(Event):
        """The requested models are served; the servers of the former ones are stopped next."""

        TOPIC = "deployment.switched"
        servers: dict[str, Server]
        """The id of each server → the server."""

        def apply(self, aggregate: "Deployment") -> None:
            aggregate.rollout = aggregate.rollout.switched(self.servers)

    class UpdateFailed(Event):
        """The requested models could not be served; the former ones still are."""

        TOPIC = "deployment.update_failed"
        error: str

        def apply(self, aggregate: "Deployment") -> None:
            aggregate.rollout = aggregate.rollout.abandoned()

    class Followed(Event):
        """From now on, the deployment serves the version that an alias of a model stands for."""

        TOPIC = "deployment.followed"
        follows: FollowedAlias
        because: int
        """The position of the promotion that is served already; 0 if another version is."""

        def apply(self, aggregate: "Deployment") -> None:
            aggregate.follows = self.follows
            aggregate.rollout = aggregate.rollout.caught_up(self.because)

    class Unfollowed(Event):
        """The deployment no longer follows an alias."""

        TOPIC = "deployment.unfollowed"

        def apply(self, aggregate: "Deployment") -> None:
            aggregate.follows = None

    class Stopped(Event):
        """The servers were stopped."""

        TOPIC = "deployment.stopped"

        def apply(self, aggregate: "Deployment") -> None:
            aggregate.status = "stopped"
            aggregate.rollout = aggregate.rollout.abandoned()

    class Deleted(Event):
        """The deployment was deleted with its servers' files; its name is free."""

        TOPIC = "deployment.deleted"

        def apply(self, aggregate: "Deployment") -> None:
            aggregate.deleted = True

    def __init__(
        self,
        name: str,
        model: str,
        artifact: Artifact,
        store: PinnedComponent,
        stack_id: UUID,
        stack: str,
        stack_revision: int,
        deployer: PinnedComponent,
        version: ServedVersion | None = None,
        status: Status = "unfinished",
        rollout: Rollout | None = None,
        follows: FollowedAlias | None = None,
    ) -> None:
        super().__init__(name)
        self.rollout = rollout or Rollout.first(self.id, model, artifact, store, version)
        self.stack_id = stack_id
        self.stack = stack
        self.stack_revision = stack_revision
        self.deployer = deployer
        self.status = status
        self.follows = follows

    @classmethod
    def register(
        cls,
        name: str,
        model: str,
        artifact: Artifact,
        store: PinnedComponent,
        stack_id: UUID,
        stack: str,
        stack_revision: int,
        deployer: PinnedComponent,
        id: UUID | None = None,
        version: ServedVersion | None = None,
    ) -> Self:
        """Register a deployment, which is started next.

        Args:
            name: The name, unique among the existing deployments.
            model: The model, as "pipeline/step/output@version".
            artifact: The recorded artifact of the model.
            store: The artifact store that holds the model.
            stack_id: The id of the stack that serves it.
            stack: The name of the stack.
            stack_revision: The revision of the stack.
            deployer: The model deployer of the stack.
            id: The id of the deployment; None for a new one.
            version: The version of a model that the artifact belongs to, if it does.

        Raises:
            InvalidName: The name breaks the rule for names.
        """
        return cls._create(
            cls.Registered,
            id=id or uuid4(),
            name=valid_name("deployment", name),
            model=model,
            artifact=artifact,
            store=store,
            stack_id=stack_id,
            stack=stack,
            stack_revision=stack_revision,
            deployer=deployer,
            version=version,
        )

    def request_start(self) -> None:
        """Request another start; the caller has checked that no server is running.

        Raises:
            NotFound: The deployment was deleted.
        """
        self.must_exist()
        self.trigger_event(self.StartRequested)

    def start(
        self,
        reference: dict[str, JsonValue],
        url: str,
        servers: Mapping[str, Server] | None = None,
        gateway: dict[str, JsonValue] | None = None,
    ) -> None:
        """Record that the servers are ready.

        Args:
            reference: What the model deployer needs to find the first server, as JSON values.
            url: The address for predictions.
            servers: The id of each server → the server; None if requests reach the first directly.
            gateway: The gateway at the address; None if there is none.

        Raises:
            NotFound: The deployment was deleted.
            Conflict: No start was requested.
        """
        self._must_be_unfinished()
        self.trigger_event(
            self.Started, reference=reference, url=url, servers=servers or {}, gateway=gateway
        )

    def fail(self, error: str) -> None:
        """Record that a server could not be started; raises like `start`."""
        self._must_be_unfinished()
        self.trigger_event(self.Failed, error=error)

    def request_update(
        self, releases: Sequence[Release], because: int | None = None, *, goes_back: bool = False
    ) -> None:
        """Request that other models are served, or with other shares.

        Args:
            releases: What is to be served; a release whose server runs keeps it.
            because: The position of the promotion that the deployment follows; None for a command.
            goes_back: Whether it is what was served at the first revision in `rollout.previous`.

        Raises:
            NotFound: The deployment was deleted.
            Conflict: It is not served, or another update is not finished.
            InvalidTraffic: The shares do not add up to 100 percent.
            NothingToChange: It serves the same, or a newer promotion led to an update.
        """
        self.must_be_updatable()
        must_be_whole([each.share for each in releases])
        ordered = tuple(sorted(releases, key=lambda each: -each.share))
        is_old = because is not None and because <= self.rollout.because
        if is_old or ordered == self.rollout.releases:
            raise NothingToChange(self.kind, self.name, self.version)
        rollout = self.rollout
        previous = rollout.previous[1:] if goes_back else rollout.previous_after(self.version)
        self.trigger_event(
            self.UpdateRequested, releases=ordered, previous=previous, because=because
        )

    def must_be_updatable(self) -> None:
        """Reject an update; raises like `request_update`."""
        self.must_exist()
        if self.status != "started":
            raise Conflict(f"the deployment {self.name!r} is not served: start it first")
        if self.rollout.pending:
            raise Conflict(f"an update of the deployment {self.name!r} was interrupted: start it")

    def switch(self, servers: Mapping[str, Server]) -> None:
        """Record that the requested models are served.

        Args:
            servers: The id of each server → the server.

        Raises:
            NotFound: The deployment was deleted.
            Conflict: No update was requested.
        """
        self._must_be_pending()
        self.trigger_event(self.Switched, servers=servers)

    def fail_update(self, error: str) -> None:
        """Record that the requested models could not be served; raises like `switch`."""
        self._must_be_pending()
        self.trigger_event(self.UpdateFailed, error=error)

    def follow(self, follows: FollowedAlias, because: int = 0) -> None:
        """Serve the version that an alias stands for, from now on.

        Args:
            follows: The alias.
            because: The position of the promotion that is served already; 0 if another version is.

        Raises:
            NotFound: The deployment was deleted.
            NothingToChange: It follows that alias already.
        """
        self.must_exist()
        now = self.follows
        if now and (now.model, now.alias) == (follows.model, follows.alias):
            raise NothingToChange(self.kind, self.name, self.version)
        self.trigger_event(self.Followed, follows=follows, because=because)

    def unfollow(self) -> None:
        """Follow no alias any longer.

        Raises:
            NotFound: The deployment was deleted.
            Conflict: It follows none.
        """
        self.must_exist()
        if self.follows is None:
            raise Conflict(f"the deployment {self.name!r} follows no alias")
        self.trigger_event(self.Unfollowed)

    def stop(self) -> None:
        """Record that the servers were stopped.

        Raises:
            NotFound: The deployment was deleted.
            Conflict: The deployment was stopped already, or its start failed.
        """
        self.must_be_stoppable()
        self.trigger_event(self.Stopped)

    def must_be_stoppable(self) -> None:
        """Reject a command that needs a server; raises like `stop`."""
        self.must_exist()
        if self.status in ("failed", "stopped"):
            raise self._conflict()

    def delete(self) -> None:
        """Delete the deployment.

        Raises:
            NotFound: The deployment was deleted.
        """
        self.must_exist()
        self.trigger_event(self.Deleted)

    def _must_be_unfinished(self) -> None:
        self.must_exist()
        if self.status != "unfinished":
            raise self._conflict()

    def _must_be_pending(self) -> None:
        self.must_exist()
        if self.rollout.pending is None:
            raise Conflict(f"no update of the deployment {self.name!r} was requested")

    def _conflict(self) -> Conflict:
        problems = {
            "started": "is served already: stop it first",
            "failed": "failed, so it has no server: start or delete it",
            "stopped": "is stopped: start or delete it",
        }
        return Conflict(f"the deployment {self.name!r} {problems[self.status]}")
