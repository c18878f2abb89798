"""Deployment: a model that a pipeline made, served under a name."""

from typing import Literal, Self
from uuid import UUID, uuid4

from pydantic import JsonValue

from stackfold.domain.errors import Conflict
from stackfold.domain.eventsourcing.aggregate import Aggregate
from stackfold.domain.eventsourcing.event import FirstEvent
from stackfold.domain.name import valid_name
from stackfold.domain.runs.artifact import Artifact
from stackfold.domain.runs.pin import PinnedComponent

Status = Literal["unfinished", "started", "failed", "stopped"]
"""What the log records: "unfinished" from the request to start until the start succeeds or fails.
Whether the server of a started deployment answers is not recorded."""


class Deployment(Aggregate):
    """A model, the stack and the model deployer that serve it, and its status.

    A deployment has copies of all that is needed to serve the model and to find its server, so it
    does not depend on later changes of the stack, its components or the run.
    """

    TOPIC = "deployment"

    class Event(Aggregate.Event):
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

    class StartRequested(Event):
        """A start was requested; recorded before the server is started."""

        TOPIC = "deployment.start_requested"

        def apply(self, aggregate: "Deployment") -> None:
            aggregate.status = "unfinished"
            aggregate.reference = None

    class Started(Event):
        """The server is ready for predictions."""

        TOPIC = "deployment.started"
        reference: dict[str, JsonValue]
        """What the model deployer needs to find the server; contains no secret."""
        url: str
        """The address for predictions."""

        def apply(self, aggregate: "Deployment") -> None:
            aggregate.status = "started"
            aggregate.reference = dict(self.reference)

    class Failed(Event):
        """The server could not be started, and is not running."""

        TOPIC = "deployment.failed"
        error: str

        def apply(self, aggregate: "Deployment") -> None:
            aggregate.status = "failed"

    class Stopped(Event):
        """The server was stopped."""

        TOPIC = "deployment.stopped"

        def apply(self, aggregate: "Deployment") -> None:
            aggregate.status = "stopped"

    class Deleted(Event):
        """The deployment was deleted with its server's files; its name is free."""

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
        status: Status = "unfinished",
        reference: dict[str, JsonValue] | None = None,
    ) -> None:
        super().__init__(name)
        self.model = model
        self.artifact = artifact
        self.store = store
        self.stack_id = stack_id
        self.stack = stack
        self.stack_revision = stack_revision
        self.deployer = deployer
        self.status = status
        self.reference = reference
        """What the model deployer needs to find the server; None before the first start."""

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
        )

    def request_start(self) -> None:
        """Request another start; the caller has checked that no server is running.

        Raises:
            NotFound: The deployment was deleted.
        """
        self.must_exist()
        self.trigger_event(self.StartRequested)

    def start(self, reference: dict[str, JsonValue], url: str) -> None:
        """Record that the server is ready.

        Args:
            reference: What the model deployer needs to find the server again, as JSON values.
            url: The address for predictions.

        Raises:
            NotFound: The deployment was deleted.
            Conflict: No start was requested.
        """
        self._must_be_unfinished()
        self.trigger_event(self.Started, reference=reference, url=url)

    def fail(self, error: str) -> None:
        """Record that the server could not be started; raises like `start`."""
        self._must_be_unfinished()
        self.trigger_event(self.Failed, error=error)

    def stop(self) -> None:
        """Record that the server was stopped.

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

    def _conflict(self) -> Conflict:
        problems = {
            "started": "is served already: stop it first",
            "failed": "failed, so it has no server: start or delete it",
            "stopped": "is stopped: start or delete it",
        }
        return Conflict(f"the deployment {self.name!r} {problems[self.status]}")
