"""Queries for cached executions of steps, in plain SQL."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from stackfold.application.eventsourcing.cells import cell
from stackfold.application.runs.cache import CacheHit
from stackfold.application.runs.step_call import ExecutionResult
from stackfold.domain.runs.artifact import Artifact, StoredPreview
from stackfold.infrastructure.database.protocol import Database

_JSON = ("versions", "preview", "metadata", "tags")
_FIELDS = tuple(field for field in Artifact.model_fields if field not in _JSON)
_COLUMNS = ", ".join(f"a.{field}" for field in (*_FIELDS, *_JSON))
_LATEST = (
    f"SELECT coalesce(s.cached_from, s.run), s.metadata, s.tags, s.model, f.direction, {_COLUMNS} "
    "FROM (SELECT run, name, cached_from, metadata, tags, model FROM steps WHERE key = ? "
    "ORDER BY ended DESC LIMIT 1) AS s "
    "LEFT JOIN flows AS f ON f.run = s.run AND f.step = s.name "
    "AND f.direction IN ('out', 'saved') "
    "LEFT JOIN artifacts AS a ON a.id = f.artifact ORDER BY f.ordinal"
)


class SqlExecutions:
    """Finds executions of steps by their cache keys."""

    def __init__(self, database: Database) -> None:
        """Create the queries.

        Args:
            database: Holds the read models.
        """
        self._database = database

    def latest(self, key: str) -> CacheHit | None:
        """The latest execution that completed with a cache key; None if there is none."""
        rows = self._database.read(_LATEST, (key,))
        if not rows:
            return None
        run, metadata, tags, model = rows[0][:4]
        outputs = tuple(_artifact(row[5:]) for row in rows if row[4] == "out")
        saved = tuple(UUID(row[5]) for row in rows if row[4] == "saved")
        answer = ExecutionResult(outputs, cell(metadata), tuple(cell(tags)), found=saved)
        return CacheHit(answer, UUID(run), cell(model))

    def previous(self, run: str, step: str) -> str | None:
        """The id of the latest earlier run of the same pipeline with a cache key for a step."""
        return self._one(
            "SELECT r.id FROM runs AS this JOIN runs AS r ON r.pipeline = this.pipeline "
            "AND r.position < this.position JOIN steps AS s ON s.run = r.id AND s.name = ? "
            "WHERE this.id = ? AND s.key <> '' ORDER BY r.position DESC LIMIT 1",
            (step, run),
        )

    def known(self, run: str, key: str) -> str | None:
        """The name of the latest earlier run with a step that has a cache key."""
        return self._one(
            "SELECT r.name FROM steps AS s JOIN runs AS r ON r.id = s.run WHERE s.key = ? "
            "AND r.position < (SELECT position FROM runs WHERE id = ?) "
            "ORDER BY r.position DESC LIMIT 1",
            (key, run),
        )

    def digests(self, run: str) -> dict[str, str]:
        """Id → digest, for the inputs of the steps of a run; by reference for what they used."""
        rows = self._database.read(
            "SELECT CASE f.direction WHEN 'in' THEN a.id ELSE f.name END, a.digest "
            "FROM flows AS f JOIN artifacts AS a ON a.id = f.artifact "
            "WHERE f.run = ? AND f.direction IN ('in', 'used')",
            (run,),
        )
        return dict(rows)

    def _one(self, statement: str, parameters: tuple[str, str]) -> str | None:
        rows = self._database.read(statement, parameters)
        return str(rows[0][0]) if rows else None


def _artifact(row: Sequence[Any]) -> Artifact:
    plain = dict(zip(_FIELDS, row, strict=False))
    versions, preview, metadata, tags = map(cell, row[len(_FIELDS) :])
    # Not validated again: it was valid when it was recorded.
    return Artifact.model_construct(
        **{**plain, "id": UUID(plain["id"])},
        versions=versions,
        preview=StoredPreview.model_construct(**preview) if preview else None,
        metadata=metadata,
        tags=tuple(tags),
    )
