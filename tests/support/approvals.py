"""An aggregate of another package, as a plug-in declares it: approvals of stacks."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from stackfold.errors import Invalid, NothingToChange
from stackfold.eventsourcing import (
    AggregateType,
    FirstEvent,
    ReadModel,
    Revertible,
    TemporalProjection,
    always_shown,
    shown,
)


class Approval(Revertible):
    """The approval of something by somebody."""

    TOPIC = "acme.approval"

    class Event(Revertible.Event):
        """Base class of the events of an approval."""

    class Requested(Event, FirstEvent):
        """An approval was requested."""

        TOPIC = "acme.approval.requested"
        originator_topic: Literal["acme.approval"]
        name: str
        notes: dict[str, str]

    class Decided(Event):
        """Somebody decided."""

        TOPIC = "acme.approval.decided"
        state: str

        def apply(self, aggregate: "Approval") -> None:
            aggregate.state = self.state

        def changed_fields(self) -> frozenset[str]:
            return frozenset({"state"})

    class Renamed(Event):
        """The approval was renamed."""

        TOPIC = "acme.approval.renamed"
        name: str

        def apply(self, aggregate: "Approval") -> None:
            aggregate.name = self.name

        def changed_fields(self) -> frozenset[str]:
            return frozenset({"name"})

    class Reverted(Event):
        """An earlier state was restored."""

        TOPIC = "acme.approval.reverted"
        name: str
        notes: dict[str, str]
        state: str

        def apply(self, aggregate: "Approval") -> None:
            aggregate.name, aggregate.state = self.name, self.state
            aggregate.notes = self.notes
            aggregate.deleted = False

    class Deleted(Event):
        """The approval was deleted."""

        TOPIC = "acme.approval.deleted"

        def apply(self, aggregate: "Approval") -> None:
            aggregate.deleted = True

    def __init__(
        self, name: str, notes: dict[str, str], state: str = "open", deleted: bool = False
    ) -> None:
        super().__init__(name)
        self.notes, self.state, self.deleted = notes, state, deleted

    @classmethod
    def request(cls, name: str, **notes: str) -> "Approval":
        """Request an approval."""
        if not name:
            raise Invalid("an approval needs a name")
        return cls._create(cls.Requested, name=name, notes=notes)

    def decide(self, state: str) -> None:
        """Approve or reject."""
        self.must_exist()
        if state == self.state:
            raise NothingToChange(self.kind, self.name, self.version)
        self.trigger_event(self.Decided, state=state)

    def rename(self, name: str) -> None:
        """Change the name."""
        self.must_exist()
        self.trigger_event(self.Renamed, name=name)

    def revert(self, past: "Approval") -> None:
        """Restore the state of `past` as a new revision."""
        self.trigger_event(self.Reverted, name=past.name, notes=dict(past.notes), state=past.state)

    def restore(self, past: "Approval") -> None:
        """Restore the approval after it was deleted."""
        self.revert(past)

    def delete(self) -> None:
        """Delete the approval."""
        self.must_exist()
        self.trigger_event(self.Deleted)


class ApprovalRow(NamedTuple):
    """An approval at one revision."""

    name: str
    notes: dict[str, str]
    state: str


def apply(row: ApprovalRow | None, event: Approval.Event) -> ApprovalRow | None:
    """The row of an approval after an event."""
    match event, row:
        case Approval.Requested(), None:
            return ApprovalRow(event.name, event.notes, "open")
        case Approval.Decided(), ApprovalRow():
            return row._replace(state=event.state)
        case Approval.Renamed(), ApprovalRow():
            return row._replace(name=event.name)
        case Approval.Reverted(), _:
            return ApprovalRow(event.name, event.notes, event.state)
        case Approval.Deleted(), ApprovalRow():
            return None
    raise AssertionError(f"{event.TOPIC} does not follow {row}")


def restore(row: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `Approval`, from a row."""
    return dict(row)


READ_MODEL = ReadModel(
    topic="acme.approval",
    table="acme_approvals",
    row=ApprovalRow,
    describe={
        "name": shown("name"),
        "state": always_shown("state"),
        "notes": lambda notes, names: {f"note {key}": text for key, text in notes.items()},
    },
)

APPROVALS = AggregateType(
    Approval,
    projection=TemporalProjection(READ_MODEL, apply),
    restore=restore,
    revertible=True,
    package="acme-approvals",
)
