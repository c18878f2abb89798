"""Queries for aliases of artifacts, in plain SQL."""

from collections.abc import Mapping
from typing import Any

from stackfold.application.eventsourcing.cells import cell
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.queries.lookup import valid_at
from stackfold.infrastructure.queries.text import normal


def alias_targets(
    database: Database, name: str, as_of: int | None = None
) -> Mapping[str, Mapping[str, Any]]:
    """The aliases of a name → the id of the artifact and the number of the version.

    Args:
        database: Holds the read models.
        name: The own name of an artifact, or "pipeline/step/output".
        as_of: A position; None for now.
    """
    source, parameters = valid_at("artifact_names", as_of)
    rows = database.read(f"SELECT t.aliases {source} AND t.name = ?", [*parameters, normal(name)])
    return cell(rows[0][0]) if rows else {}
