"""Schedule: starts runs of a pipeline by themselves, at times or after events."""

from typing import Any, Literal, Self

from stackfold.domain.errors import NotDeleted, NothingToChange
from stackfold.domain.eventsourcing.aggregate import Revertible
from stackfold.domain.eventsourcing.event import FirstEvent
from stackfold.domain.name import valid_name
from stackfold.domain.rfc3339 import to_rfc3339
from stackfold.domain.schedules.plan import Plan

Reason = Literal["missed", "overlap", "failed"]


class Schedule(Revertible):
    """Starts runs of a pipeline by themselves.

    A run that it starts is an event of the run, and none of the schedule: a schedule of every
    minute adds nothing to the log but its runs. Times without a run are events of the schedule, one
    for as many times in a row as possible.
    """

    TOPIC = "schedule"

    class Event(Revertible.Event):
        """Base class of the events of a schedule."""

    class Created(Event, FirstEvent):
        """A schedule was created."""

        TOPIC = "schedule.created"
        originator_topic: Literal["schedule"]
        name: str
        plan: Plan
        paused: bool

    class Updated(Event):
        """What it runs or when was changed."""

        TOPIC = "schedule.updated"
        plan: Plan
        """The whole plan after the change."""

        def apply(self, aggregate: "Schedule") -> None:
            if self.plan.times != aggregate.plan.times:
                aggregate.accounted = to_rfc3339(self.timestamp)
            aggregate.plan = self.plan

    class Renamed(Event):
        """The schedule was renamed."""

        TOPIC = "schedule.renamed"
        name: str

        def apply(self, aggregate: "Schedule") -> None:
            aggregate.name = self.name

        def changed_fields(self) -> frozenset[str]:
            return frozenset({"name"})

    class Paused(Event):
        """It starts no runs until it is resumed."""

        TOPIC = "schedule.paused"

        def apply(self, aggregate: "Schedule") -> None:
            aggregate.paused = True

        def changed_fields(self) -> frozenset[str]:
            return frozenset({"paused"})

    class Resumed(Event):
        """It starts runs again; times in between are not made up for."""

        TOPIC = "schedule.resumed"

        def apply(self, aggregate: "Schedule") -> None:
            aggregate.paused = False
            aggregate.accounted = to_rfc3339(self.timestamp)

        def changed_fields(self) -> frozenset[str]:
            return frozenset({"paused"})

    class Passed(Event):
        """One or several times in a row passed without a run."""

        TOPIC = "schedule.passed"
        reason: Reason
        """No process started it in time; the run before was still running; or the run could
        not be started."""
        first: str
        """The first time, or "#" and the position of an event."""
        last: str
        """The last time, or the same event."""
        count: int
        """The number of times; of very many, the number up to which they were counted."""
        error: str = ""
        """Why the run could not be started, in one line."""

        def apply(self, aggregate: "Schedule") -> None:
            aggregate.accounted = later(aggregate.accounted, self.last)

        def changed_fields(self) -> frozenset[str]:
            return frozenset()

    class Deleted(Event):
        """The schedule was deleted; its name is free."""

        TOPIC = "schedule.deleted"

        def apply(self, aggregate: "Schedule") -> None:
            aggregate.deleted = True

    class Reverted(Event):
        """The state of an earlier revision was restored."""

        TOPIC = "schedule.reverted"
        to_revision: int
        name: str
        plan: Plan
        paused: bool

        def apply(self, aggregate: "Schedule") -> None:
            aggregate.name, aggregate.plan, aggregate.paused = self.name, self.plan, self.paused
            aggregate.accounted = to_rfc3339(self.timestamp)

    class Restored(Reverted):
        """The deleted schedule was restored, with the state of an earlier revision."""

        TOPIC = "schedule.restored"

        def apply(self, aggregate: "Schedule") -> None:
            super().apply(aggregate)
            aggregate.deleted = False

    def __init__(self, name: str, plan: Plan, paused: bool = False, accounted: str = "") -> None:
        super().__init__(name)
        self.plan = plan
        self.paused = paused
        self.accounted = accounted
        """The times up to this one need no run."""

    @classmethod
    def create(cls, name: str, plan: Plan, paused: bool = False) -> Self:
        """Create a schedule.

        Args:
            name: The name, unique among the existing schedules.
            plan: What it runs, and when.
            paused: Whether it starts no runs until it is resumed.

        Raises:
            InvalidName: The name breaks the rule for names.
        """
        return cls._create(cls.Created, name=valid_name("schedule", name), plan=plan, paused=paused)

    def update(self, plan: Plan) -> None:
        """Replace the plan.

        Raises:
            NotFound: The schedule was deleted.
            NothingToChange: The plan is the same.
        """
        self.must_exist()
        if plan == self.plan:
            raise NothingToChange(self.kind, self.name, self.version)
        self.trigger_event(self.Updated, plan=plan)

    def rename(self, name: str) -> None:
        """Rename the schedule.

        Raises:
            NotFound: The schedule was deleted.
            InvalidName: The new name breaks the rule for names.
            NothingToChange: The schedule has that name already.
        """
        self.must_exist()
        name = valid_name("schedule", name)
        if name == self.name:
            raise NothingToChange(self.kind, self.name, self.version)
        self.trigger_event(self.Renamed, name=name)

    def pause(self) -> None:
        """Start no runs until the schedule is resumed.

        Raises:
            NotFound: The schedule was deleted.
            NothingToChange: It is paused.
        """
        self._set_paused(True)

    def resume(self) -> None:
        """Start runs again, from the next time on.

        Raises:
            NotFound: The schedule was deleted.
            NothingToChange: It is not paused.
        """
        self._set_paused(False)

    def _set_paused(self, paused: bool) -> None:
        self.must_exist()
        if paused == self.paused:
            raise NothingToChange(self.kind, self.name, self.version)
        self.trigger_event(self.Paused if paused else self.Resumed)

    def pass_over(
        self, reason: Reason, first: str, last: str, count: int = 1, error: str = ""
    ) -> None:
        """Record times without a run; see `Passed`.

        Raises:
            NotFound: The schedule was deleted.
            NothingToChange: They were recorded before.
        """
        self.must_exist()
        if not last.startswith("#") and last <= self.accounted:
            raise NothingToChange(self.kind, self.name, self.version)
        facts: dict[str, Any] = {"first": first, "last": last, "count": count, "error": error}
        self.trigger_event(self.Passed, reason=reason, **facts)

    def delete(self) -> None:
        """Delete the schedule; its runs remain.

        Raises:
            NotFound: The schedule was deleted.
        """
        self.must_exist()
        self.trigger_event(self.Deleted)

    def revert(self, past: "Schedule") -> None:
        """Restore the state of `past`, an earlier revision, as a new revision.

        Raises:
            NotFound: The schedule was deleted.
            NothingToChange: Its state would stay the same.
        """
        self.must_exist()
        if past.state == self.state:
            raise NothingToChange(self.kind, self.name, self.version)
        self.trigger_event(self.Reverted, to_revision=past.version, **past.state)

    def restore(self, past: "Schedule") -> None:
        """Restore the deleted schedule with the state of `past`, an earlier revision.

        Raises:
            NotDeleted: The schedule exists.
        """
        if not self.deleted:
            raise NotDeleted(self.kind, self.name)
        self.trigger_event(self.Restored, to_revision=past.version, **past.state)

    @property
    def state(self) -> dict[str, Any]:
        """The fields that `revert` and `restore` set."""
        return {"name": self.name, "plan": self.plan, "paused": self.paused}


def later(accounted: str, time: str) -> str:
    """The later one of two times; the first one if the second one is the position of an event.

    Args:
        accounted: RFC 3339, UTC; may be empty.
        time: The same, or "#" and a position.
    """
    return accounted if time.startswith("#") else max(accounted, time)
