"""Who changes stacks, and how often."""

from stackfold.eventsourcing import DomainEvent, Projection, ProjectionChange, Stack


class StackChanges(Projection):
    """The number of changes of stacks by each person."""

    name = "acme_stack_changes"  # also that of its table
    topics = (Stack.Registered, Stack.Updated, Stack.Renamed, Stack.Deleted)

    def create(self, change: ProjectionChange) -> None:
        change.execute(
            "CREATE TABLE acme_stack_changes (person TEXT PRIMARY KEY, changes INTEGER NOT NULL)"
        )

    def drop(self, change: ProjectionChange) -> None:
        change.execute("DROP TABLE acme_stack_changes")

    def apply(self, event: DomainEvent, change: ProjectionChange) -> None:
        assert event.event_metadata is not None  # all events of a log have it
        change.execute(
            "INSERT INTO acme_stack_changes VALUES (?, 1) "
            "ON CONFLICT (person) DO UPDATE SET changes = acme_stack_changes.changes + 1",
            (event.event_metadata.by,),
        )
