"""How often each user changed something."""

from stackfold.eventsourcing import DomainEvent, Projection, ProjectionChange


class Activity(Projection):
    """The number of events by each user, of stacks, approvals and everything else."""

    name = "stack_service_activity"

    def create(self, change: ProjectionChange) -> None:
        change.execute("CREATE TABLE stack_service_activity (by TEXT PRIMARY KEY, events INTEGER)")

    def drop(self, change: ProjectionChange) -> None:
        change.execute("DROP TABLE stack_service_activity")

    def apply(self, event: DomainEvent, change: ProjectionChange) -> None:
        assert event.event_metadata is not None  # all events of a log have it
        change.execute(
            "INSERT INTO stack_service_activity VALUES (?, 1) "
            "ON CONFLICT (by) DO UPDATE SET events = stack_service_activity.events + 1",
            (event.event_metadata.by,),
        )
