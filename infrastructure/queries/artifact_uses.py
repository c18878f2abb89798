"""What uses an artifact, so that it cannot be deleted."""

from typing import Any

from stackfold.application.eventsourcing.cells import cell
from stackfold.infrastructure.database.protocol import Database

_SOME = 3
"""The most uses of each kind."""


def uses_of_artifact(database: Database, id: str) -> list[str]:
    """Runs that took an artifact, deployments that serve it, and aliases that stand for it.

    Args:
        database: Holds the read models.
        id: The id of the artifact.
    """
    runs = database.read(
        "SELECT name FROM runs WHERE id IN "
        "(SELECT run FROM flows WHERE artifact = ? AND direction IN ('in', 'used')) "
        "OR instr(pinned_artifacts, ?) > 0 ORDER BY position DESC LIMIT ?",
        [id, id, _SOME],
    )
    deployments = [
        name
        for name, text in database.read(
            "SELECT name, rollout FROM deployments WHERE until IS NULL AND instr(rollout, ?) > 0",
            [id],
        )
        if any(each["artifact"]["id"] == id for each in _served(cell(text)))
    ]
    names = database.read(
        "SELECT name, aliases FROM artifact_names WHERE until IS NULL AND instr(aliases, ?) > 0",
        [id],
    )
    aliases = [
        f"{name}@{alias}"
        for name, all_aliases in names
        for alias, target in cell(all_aliases).items()
        if target["artifact"] == id
    ]
    return [
        *(f"run {name!r}" for (name,) in runs),
        *(f"deployment {name!r}" for name in deployments[:_SOME]),
        *(f"alias {alias!r}" for alias in aliases[:_SOME]),
    ]


def _served(rollout: dict[str, Any]) -> list[dict[str, Any]]:
    """The releases that a deployment serves, or is to serve."""
    return [*rollout["releases"], *(rollout["pending"] or {"releases": []})["releases"]]


def aliases_of_run(database: Database, run: str) -> list[str]:
    """The aliases that stand for artifacts that would vanish with a run, as "dataset@approved".

    Args:
        database: Holds the read models.
        run: The id of the run.
    """
    names = database.read("SELECT name, aliases FROM artifact_names WHERE until IS NULL")
    if not names:
        return []
    made = "direction IN ('out', 'saved')"
    rows = database.read(
        f"SELECT DISTINCT f.artifact FROM flows AS f WHERE f.run = ? AND f.{made} AND NOT EXISTS "
        f"(SELECT 1 FROM flows AS o WHERE o.artifact = f.artifact AND o.{made} AND o.run <> f.run)",
        [run],
    )
    vanishing = {artifact for (artifact,) in rows}
    return [
        f"{name}@{alias}"
        for name, all_aliases in names
        for alias, target in cell(all_aliases).items()
        if target["artifact"] in vanishing
    ]
