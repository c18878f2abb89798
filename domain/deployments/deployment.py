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
"""What the log knows: "unfinished" from when somebody begins to start it until it is known what
came of that. Whether the server of a started one answers, only somebody who looks can tell."""


class Deployment(Aggregate):
    """What is served, on which stack, by what; and what became of it.

    It keeps a copy of all that it takes to serve the model and to find its server, so that it does
    not depend on what becomes of the stack, the components and the run behind it.
    """

    TOPIC = "deployment"

    class Event(Aggregate.Event):
        """Something that happened to a deployment."""

    class Registered(Event, FirstEvent):
        """Somebody begins to serve a model; recorded before anything is started."""

        TOPIC = "deployment.registered"
        originator_topic: Literal["deployment"]
        name: str
        model: str
        """What is served, as "pipeline/step/output@version"."""
        artifact: Artifact
        """Where it is, what it is, and how to know that it is still the same."""
        store: PinnedComponent
        """The artifact store that holds it."""
        stack_id: UUID
        stack: str
        """The stack's name at that time."""
        stack_revision: int
        deployer: PinnedComponent

    class StartRequested(Event):
        """Somebody begins to serve it again; recorded before anything is started."""

        TOPIC = "deployment.start_requested"

        def apply(self, aggregate: "Deployment") -> None:
            aggregate.status = "unfinished"
            aggregate.reference = None

    class Started(Event):
        """Its server predicts."""

        TOPIC = "deployment.started"
        reference: dict[str, JsonValue]
        """What the model deployer finds the server by; holds no secret."""
        url: str
        """Where predictions are asked for."""

        def apply(self, aggregate: "Deployment") -> None:
            aggregate.status = "started"
            aggregate.reference = dict(self.reference)

    class Failed(Event):
        """Its server did not come to predict, and is not running."""

        TOPIC = "deployment.failed"
        error: str

        def apply(self, aggregate: "Deployment") -> None:
            aggregate.status = "failed"

    class Stopped(Event):
        """Somebody ended its server."""

        TOPIC = "deployment.stopped"

        def apply(self, aggregate: "Deployment") -> None:
            aggregate.status = "stopped"

    class Deleted(Event):
        """It is gone with all that was kept for it; its name is free again."""

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
        """What the model deployer finds its server by; None before it was started."""

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
        """Begin to serve a model.

        Args:
            name: Its name, unique among the living deployments.
            model: What is served, as "pipeline/step/output@version".
            artifact: What was recorded of it.
            store: The artifact store that holds it.
            stack_id: The stack that it is served on,
            stack: the name that it has,
            stack_revision: and its revision.
            deployer: The stack's model deployer.
            id: The deployment's id, if it was chosen already.

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
        """Begin to serve it again; that it is not served now is for whoever can look to know.

        Raises:
            NotFound: It was deleted.
        """
        self.must_exist()
        self.trigger_event(self.StartRequested)

    def start(self, reference: dict[str, JsonValue], url: str) -> None:
        """Record that its server predicts.

        Raises:
            NotFound: It was deleted.
            Conflict: Nobody was starting it.
        """
        self._must_be_unfinished()
        self.trigger_event(self.Started, reference=reference, url=url)

    def fail(self, error: str) -> None:
        """Record that its server did not come to predict; raises as `start`."""
        self._must_be_unfinished()
        self.trigger_event(self.Failed, error=error)

    def stop(self) -> None:
        """Record that its server was ended.

        Raises:
            NotFound: It was deleted.
            Conflict: It was stopped already, or failed.
        """
        self.must_be_stoppable()
        self.trigger_event(self.Stopped)

    def must_be_stoppable(self) -> None:
        """Refuse what only one that may have a server takes; raises as `stop`."""
        self.must_exist()
        if self.status in ("failed", "stopped"):
            raise self._conflict()

    def delete(self) -> None:
        """Be gone.

        Raises:
            NotFound: It was deleted before.
        """
        self.must_exist()
        self.trigger_event(self.Deleted)

    def _must_be_unfinished(self) -> None:
        self.must_exist()
        if self.status != "unfinished":
            raise self._conflict()

    def _conflict(self) -> Conflict:
        todo = {
            "started": "is served already: stop it first",
            "failed": "failed, so nothing of it is running: start or delete it",
            "stopped": "is stopped: start or delete it",
        }
        return Conflict(f"the deployment {self.name!r} {todo[self.status]}")
