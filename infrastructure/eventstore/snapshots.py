"""Snapshots: rows of the temporal read models."""

from stackfold.application.eventsourcing.cells import cell
from stackfold.application.eventsourcing.snapshots import EVERY, Snapshot
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.queries.lookup import readable_model


class ReadModelSnapshots:
    """The rows in the index of snapshots."""

    def __init__(self, database: Database) -> None:
        """Read the snapshots in `database`."""
        self._database = database

    def latest(self, topic: str, id: str, upto: int | None) -> Snapshot | None:
        """The latest snapshot of an aggregate that is no later than a revision."""
        model = readable_model(self._database, topic)
        if model is None:
            return None
        rows = self._database.read(
            f"SELECT revision, created, updated, {', '.join(model.columns)} FROM {model.table} "
            f"WHERE id = ? AND revision % {EVERY} = 0 AND revision <= ? "
            "ORDER BY revision DESC, since DESC LIMIT 1",
            (id, 2**63 - 1 if upto is None else upto),
        )
        if not rows:
            return None
        revision, created, updated, *values = rows[0]
        fields = {
            column: cell(value) if column in model.json else value
            for column, value in zip(model.columns, values, strict=True)
        }
        return Snapshot(revision, created, updated, fields)
