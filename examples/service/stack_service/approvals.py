"""Approvals of stacks: an aggregate of the service, in the log of Stackfold."""

from typing import Literal, NamedTuple, Self

from stackfold.errors import Conflict, Forbidden
from stackfold.eventsourcing import (
    Aggregate,
    AggregateType,
    FirstEvent,
    ReadModel,
    TemporalProjection,
    always_shown,
    shown,
)


class Approval(Aggregate):
    """The approval of a stack at one revision, which another user grants."""

    TOPIC = "service.approval"

    class Event(Aggregate.Event):
        """Base class of the events of an approval."""

    class Requested(Event, FirstEvent):
        """An approval was requested."""

        TOPIC = "service.approval.requested"
        originator_topic: Literal["service.approval"]
        name: str
        stack: str
        stack_revision: int
        requested_by: str

    class Granted(Event):
        """The approval was granted."""

        TOPIC = "service.approval.granted"
        granted_by: str

        def apply(self, aggregate: "Approval") -> None:
            aggregate.granted_by = self.granted_by

    def __init__(self, name: str, stack: str, stack_revision: int, requested_by: str) -> None:
        super().__init__(name)
        self.stack, self.stack_revision = stack, stack_revision
        self.requested_by, self.granted_by = requested_by, ""

    @classmethod
    def request(cls, stack: str, stack_revision: int, requested_by: str) -> Self:
        """Request the approval of a stack.

        Args:
            stack: The name of the stack.
            stack_revision: Its revision, to which the approval is limited.
            requested_by: The user.
        """
        return cls._create(
            cls.Requested,
            name=f"{stack}-{stack_revision}",
            stack=stack,
            stack_revision=stack_revision,
            requested_by=requested_by,
        )

    def grant(self, granted_by: str) -> None:
        """Grant the approval.

        Args:
            granted_by: The user.

        Raises:
            Forbidden: The user requested it.
            Conflict: It was granted already.
        """
        if granted_by == self.requested_by:
            raise Forbidden(f"approval {self.name!r}: another user must grant it")
        if self.granted_by:
            raise Conflict(f"approval {self.name!r} was granted by {self.granted_by}")
        self.trigger_event(self.Granted, granted_by=granted_by)


class ApprovalRow(NamedTuple):
    """An approval, as it is read."""

    name: str
    stack: str
    stack_revision: int
    requested_by: str
    granted_by: str


def apply(row: ApprovalRow | None, event: Approval.Event) -> ApprovalRow | None:
    """The row of an approval after an event."""
    match event, row:
        case Approval.Requested(), None:
            return ApprovalRow(
                event.name, event.stack, event.stack_revision, event.requested_by, ""
            )
        case Approval.Granted(), ApprovalRow():
            return row._replace(granted_by=event.granted_by)
        case _:
            raise ValueError(f"{event.TOPIC} does not follow {row}")


APPROVALS = AggregateType(
    Approval,
    projection=TemporalProjection(
        ReadModel(
            topic=Approval.TOPIC,
            table="service_approvals",
            row=ApprovalRow,
            describe={
                "stack": shown("stack"),
                "stack_revision": always_shown("stack_revision"),
                "granted_by": always_shown("granted_by"),
            },
        ),
        apply,
    ),
)
