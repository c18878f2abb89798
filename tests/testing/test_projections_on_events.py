"""Projections are tested on given events, in memory."""

from uuid import UUID

import pytest

from stackfold.eventsourcing import Projection, Stack
from stackfold.testing import event, project, stamped

registered = event(Stack.Registered, name="prod", components={}, description="", labels={})
renamed = event(Stack.Renamed, name="live")


class Names(Projection):
    topics = (Stack.Registered, "stack.renamed")

    def create(self, change):
        change.execute("CREATE TABLE names (position INTEGER, recorded_at TEXT, name TEXT)")

    def apply(self, event, change):
        row = (change.position, change.recorded_at, event.name)
        change.execute("INSERT INTO names VALUES (?, ?, ?)", row)


def test_events_are_applied_in_their_order_with_their_positions_and_times():
    projected = project(Names(), registered, event(Stack.Deleted), renamed)
    assert projected.rows("SELECT * FROM names") == [
        (1, "2026-01-01T00:00:00.000000Z", "prod"),
        (3, "2026-01-03T00:00:00.000000Z", "live"),
    ]


def test_more_events_can_be_applied():
    projected = project(Names())
    projected.apply(stamped(event(registered, originator_id=UUID(int=7))))
    assert projected.rows("SELECT name FROM names WHERE position = ?", [1]) == [("prod",)]


def test_an_error_of_the_projection_is_raised_as_it_is():
    class Failing(Names):
        def apply(self, event, change):
            raise LookupError(event.name)

    with pytest.raises(LookupError, match="prod"):
        project(Failing(), registered)
