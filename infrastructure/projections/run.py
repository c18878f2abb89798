"""Runs a projection of a program on the log of a workspace."""

import threading

from stackfold.application.eventsourcing.custom_projection import Projection
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.eventstore.event_mapper import EventMapper
from stackfold.infrastructure.eventstore.log_pages import valid_timeout
from stackfold.infrastructure.projections.follower import ProjectionFollower
from stackfold.infrastructure.projections.stores import store_for


def run_projection(
    database: Database,
    projection: Projection,
    into: object,
    timeout: float | None,
    batch: int,
    rebuild: bool,
    stop: threading.Event | None,
) -> str:
    """As `Workspace.run_projection`; the database holds the log."""
    seconds = valid_timeout(timeout)
    store = store_for(into, database)
    try:
        load = EventMapper(database.aggregates).load
        follower = ProjectionFollower(database, projection, store, load, batch)
        if rebuild:
            follower.rebuild()
        return str(follower.run(seconds, stop or threading.Event()))
    finally:
        store.close()
