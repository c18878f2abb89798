"""ModelVersion: what one run made of a model."""

from typing import Any, Literal, Self
from uuid import UUID

from pydantic import JsonValue

from stackfold.domain.errors import Conflict, NotDeleted, NothingToChange
from stackfold.domain.eventsourcing.aggregate import Revertible
from stackfold.domain.eventsourcing.event import FirstEvent
from stackfold.domain.limits import MESSAGE, must_fit
from stackfold.domain.runs.tags import retagged

Status = Literal["open", "completed", "archived", "abandoned"]
"""Open until its run has completed; abandoned if that run was deleted before."""


class ModelVersion(Revertible):
    """A version of a model; what it consists of are the outputs of its run.

    It is a stream of its own, so that a model with many versions stays small.
    """

    TOPIC = "model_version"

    class Event(Revertible.Event):
        """Base class of the events of a model version."""

    class Opened(Event, FirstEvent):
        """A run that makes a version was started."""

        TOPIC = "model_version.opened"
        originator_topic: Literal["model_version"]
        name: str
        """The name of the model at that time, "@" and the number."""
        model: UUID
        number: int
        """Counts the versions of the model from 1; no number is used twice."""
        run: UUID
        stack_id: UUID
        stack: str
        """The name of the stack at that time."""
        stack_revision: int
        label: str = ""
        """A name for the version, unique in the model; empty for none."""
        tags: tuple[str, ...] = ()

    class Completed(Event):
        """The run that makes the version has completed."""

        TOPIC = "model_version.completed"

        def apply(self, aggregate: "ModelVersion") -> None:
            aggregate.status = "completed"

    class Abandoned(Event):
        """The version will not be completed."""

        TOPIC = "model_version.abandoned"
        reason: str

        def apply(self, aggregate: "ModelVersion") -> None:
            aggregate.status = "abandoned"

    class Annotated(Event):
        """The description, the tags or the metadata were changed."""

        TOPIC = "model_version.annotated"
        description: str
        tags: tuple[str, ...]
        """All tags after the change."""
        metadata: dict[str, JsonValue]
        """All metadata after the change."""

        def apply(self, aggregate: "ModelVersion") -> None:
            aggregate.description = self.description
            aggregate.tags = self.tags
            aggregate.metadata = dict(self.metadata)

    class Archived(Event):
        """The version left a stage, and has no other alias."""

        TOPIC = "model_version.archived"

        def apply(self, aggregate: "ModelVersion") -> None:
            aggregate.status = "archived"

    class Unarchived(Event):
        """The archived version was promoted again."""

        TOPIC = "model_version.unarchived"

        def apply(self, aggregate: "ModelVersion") -> None:
            aggregate.status = "completed"

    class Published(Event):
        """A model registry beside the log has the version, too."""

        TOPIC = "model_version.published"
        registry: UUID
        """The id of the component."""
        registry_name: str
        """The name of the component at that time."""
        reference: dict[str, JsonValue]
        """Identifies the version there."""

        def apply(self, aggregate: "ModelVersion") -> None:
            aggregate.published = {**aggregate.published, self.registry: dict(self.reference)}

    class Withdrawn(Event):
        """A model registry beside the log no longer has the version."""

        TOPIC = "model_version.withdrawn"
        registry: UUID
        """The id of the component."""
        registry_name: str
        """The name of the component at that time."""

        def apply(self, aggregate: "ModelVersion") -> None:
            aggregate.published = {
                id: reference
                for id, reference in aggregate.published.items()
                if id != self.registry
            }

    class Deleted(Event):
        """The version was deleted; its number is not used again."""

        TOPIC = "model_version.deleted"

        def apply(self, aggregate: "ModelVersion") -> None:
            aggregate.deleted = True

    class Reverted(Event):
        """The state of an earlier revision was restored."""

        TOPIC = "model_version.reverted"
        to_revision: int
        status: Status
        description: str
        tags: tuple[str, ...]
        metadata: dict[str, JsonValue]

        def apply(self, aggregate: "ModelVersion") -> None:
            aggregate.status = self.status
            aggregate.description = self.description
            aggregate.tags = self.tags
            aggregate.metadata = dict(self.metadata)

    class Restored(Reverted):
        """The deleted version was restored, with the state of an earlier revision."""

        TOPIC = "model_version.restored"
        name: str
        model: UUID
        number: int
        run: UUID
        stack_id: UUID
        stack: str
        stack_revision: int
        label: str = ""

        def apply(self, aggregate: "ModelVersion") -> None:
            super().apply(aggregate)
            aggregate.deleted = False

    def __init__(
        self,
        name: str,
        model: UUID,
        number: int,
        run: UUID,
        stack_id: UUID,
        stack: str,
        stack_revision: int,
        label: str = "",
        tags: tuple[str, ...] = (),
    ) -> None:
        super().__init__(name)
        self.origin = {
            "name": name,
            "model": model,
            "number": number,
            "run": run,
            "stack_id": stack_id,
            "stack": stack,
            "stack_revision": stack_revision,
            "label": label,
        }
        self.model = model
        self.number = number
        self.run = run
        self.status: Status = "open"
        self.description = ""
        self.tags = tags
        self.metadata: dict[str, JsonValue] = {}
        self.published: dict[UUID, dict[str, JsonValue]] = {}
        """The id of a model registry → what identifies the version there."""

    @property
    def kind(self) -> str:
        """The noun for messages."""
        return "model version"

    @classmethod
    def open(
        cls,
        name: str,
        model: UUID,
        number: int,
        run: UUID,
        stack_id: UUID,
        stack: str,
        stack_revision: int,
        id: UUID | None = None,
        label: str = "",
        tags: tuple[str, ...] = (),
    ) -> Self:
        """Open the version that a run makes.

        Args:
            name: The name of the model.
            model: The id of the model.
            number: The number of the version.
            run: The id of the run.
            stack_id: The id of the stack of the run.
            stack: The name of that stack.
            stack_revision: The revision of that stack.
            id: The id of the version; None for a new one.
            label: A name for the version, which no other one of the model has; empty for none.
            tags: Its tags.
        """
        return cls._create(
            cls.Opened,
            id=id,
            name=f"{name}@{number}",
            model=model,
            number=number,
            run=run,
            stack_id=stack_id,
            stack=stack,
            stack_revision=stack_revision,
            label=label,
            tags=tags,
        )

    def complete(self) -> None:
        """Record that the run has completed; do nothing for a version that is not open."""
        if self.status == "open" and not self.deleted:
            self.trigger_event(self.Completed)

    def abandon(self, reason: str) -> None:
        """Record that the version will not be completed; do nothing if it is not open.

        Args:
            reason: Why, in one line.
        """
        if self.status == "open" and not self.deleted:
            self.trigger_event(self.Abandoned, reason=reason)

    def annotate(
        self,
        description: str | None,
        tags: dict[str, bool],
        metadata: dict[str, JsonValue],
    ) -> None:
        """Change the description and tags, and add metadata.

        Args:
            description: The new description; None to keep the present one.
            tags: Tag → True to add it, False to remove it.
            metadata: Key → value, to add or replace.

        Raises:
            NotFound: The version was deleted.
            NothingToChange: It has all of this already.
        """
        self.must_exist()
        must_fit("the description", description, MESSAGE)
        described = self.description if description is None else description
        new_tags = retagged(self.tags, tags)
        merged = {**self.metadata, **metadata}
        if (described, new_tags, merged) == (self.description, self.tags, self.metadata):
            raise NothingToChange(self.kind, self.name, self.version)
        self.trigger_event(self.Annotated, description=described, tags=new_tags, metadata=merged)

    def archive(self) -> None:
        """Record that the version left a stage; do nothing if it is archived."""
        if self.status == "completed" and not self.deleted:
            self.trigger_event(self.Archived)

    def unarchive(self) -> None:
        """Record that the version is promoted again; do nothing if it is not archived."""
        if self.status == "archived" and not self.deleted:
            self.trigger_event(self.Unarchived)

    def publish(self, registry: UUID, name: str, reference: dict[str, JsonValue]) -> None:
        """Record that a model registry has the version; do nothing if that is recorded.

        Args:
            registry: The id of the component.
            name: The name of the component.
            reference: Identifies the version there.

        Raises:
            NotFound: The version was deleted.
        """
        self.must_exist()
        if self.published.get(registry) != reference:
            self.trigger_event(
                self.Published, registry=registry, registry_name=name, reference=reference
            )

    def withdraw(self, registry: UUID, name: str) -> None:
        """Record that a model registry no longer has the version; do nothing if that is recorded.

        Args:
            registry: The id of the component.
            name: The name of the component.

        Raises:
            NotFound: The version was deleted.
        """
        self.must_exist()
        if registry in self.published:
            self.trigger_event(self.Withdrawn, registry=registry, registry_name=name)

    def must_be_promotable(self) -> None:
        """Require that the version can have an alias.

        Raises:
            NotFound: It was deleted.
            Conflict: Its run has not completed.
        """
        self.must_exist()
        if self.status in ("open", "abandoned"):
            raise Conflict(
                f"model version {self.name!r} is {self.status}: only versions whose run has "
                "completed can be promoted"
            )

    def delete(self) -> None:
        """Delete the version; the caller has checked that it has no alias.

        Raises:
            NotFound: The version was deleted.
        """
        self.must_exist()
        self.trigger_event(self.Deleted)

    def revert(self, past: "ModelVersion") -> None:
        """Restore the state of `past`, an earlier revision, as a new revision.

        Raises:
            NotFound: The version was deleted.
            NothingToChange: Its state would stay the same.
        """
        self.must_exist()
        if past.state == self.state:
            raise NothingToChange(self.kind, self.name, self.version)
        self.trigger_event(self.Reverted, to_revision=past.version, **past.state)

    def restore(self, past: "ModelVersion") -> None:
        """Restore the deleted version with the state of `past`, an earlier revision.

        Raises:
            NotDeleted: The version exists.
        """
        if not self.deleted:
            raise NotDeleted(self.kind, self.name)
        self.trigger_event(self.Restored, to_revision=past.version, **past.state, **self.origin)

    @property
    def state(self) -> dict[str, Any]:
        """The fields that `revert` and `restore` set."""
        return {
            "status": self.status,
            "description": self.description,
            "tags": self.tags,
            "metadata": self.metadata,
        }
