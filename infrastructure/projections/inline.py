"""Projections that are applied in the transaction that appends the events."""

from collections.abc import Sequence

from stackfold.application.eventsourcing.custom_projection import Projection
from stackfold.domain.errors import Invalid
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.projections.follower import Load, ProjectionFollower
from stackfold.infrastructure.projections.stores import LogStore


class InlineProjections:
    """The inline projections of a workspace, with tables in the database of the log.

    Each has a checkpoint. So events of processes that do not declare it are applied when a process
    that does opens the log, or appends the next event.
    """

    def __init__(self, database: Database, projections: Sequence[Projection], load: Load) -> None:
        """Declare projections.

        Args:
            database: Holds the log.
            projections: The projections.
            load: Loads a stored event.

        Raises:
            Invalid: Two have the same name, or one is invalid.
        """
        store = LogStore(database)
        self._followers = [ProjectionFollower(database, each, store, load) for each in projections]
        names = [each.name for each in projections]
        for name in names:
            if names.count(name) > 1:
                raise Invalid(f"two projections have the name {name!r}: give one another name")

    def catch_up(self) -> None:
        """Apply all events that were not applied, in the current transaction if there is one.

        Raises:
            ProjectionFailed: A projection raised.
            UnreadableEvent: An event cannot be loaded.
        """
        for each in self._followers:
            each.catch_up()
