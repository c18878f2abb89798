"""The list of the batches of recorded requests: a table beside the log, as that of reactions.

No event says what was recorded, so it is no read model: a rebuild leaves it as it is, and no export
or fork contains it. The first batch creates it.
"""

import json
from collections.abc import Sequence

from stackfold.application.deployments.request_store import StoredBatch
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.database.request_tables import CREATE, FIND, NAME

_COLUMNS = "name, uri, digest, size, first, last, requests, expires, store"


class BatchList:
    """Implements `StoredBatches`."""

    def __init__(self, database: Database) -> None:
        """Use the database of the log."""
        self._database = database

    @property
    def exists(self) -> bool:
        """Whether the table exists."""
        return bool(self._database.read(FIND[self._database.shared], [NAME]))

    def add(self, id: str, batch: StoredBatch) -> None:
        """Add a batch of a deployment, unless it is listed already."""
        row = batch._replace(store=json.dumps(dict(batch.store)))  # type: ignore[arg-type]
        marks = ", ".join("?" * (len(row) + 1))
        with self._database.write() as cursor:
            if not self.exists:
                cursor.execute(CREATE)
            cursor.execute(
                f"INSERT INTO {NAME} (deployment, {_COLUMNS}) VALUES ({marks}) "
                "ON CONFLICT (deployment, name) DO NOTHING",
                [id, *row],
            )

    def of(self, id: str) -> Sequence[StoredBatch]:
        """The batches of a deployment, the oldest first."""
        if not self.exists:
            return []
        rows = self._database.read(
            f"SELECT {_COLUMNS} FROM {NAME} WHERE deployment = ? ORDER BY first, name", [id]
        )
        return [StoredBatch._make((*row[:-1], json.loads(row[-1]))) for row in rows]

    def deployments(self) -> Sequence[str]:
        """The ids of all deployments with batches."""
        if not self.exists:
            return []
        return [id for (id,) in self._database.read(f"SELECT DISTINCT deployment FROM {NAME}")]

    def remove(self, id: str, name: str) -> None:
        """Remove a batch from the list."""
        with self._database.write() as cursor:
            cursor.execute(f"DELETE FROM {NAME} WHERE deployment = ? AND name = ?", [id, name])
