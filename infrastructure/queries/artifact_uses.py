"""What uses an artifact, so that it cannot be deleted."""

from stackfold.application.eventsourcing.cells import cell
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.queries.deployments import former_releases, served_releases

_SOME = 3
"""The most uses of each kind."""


def uses_of_artifact(database: Database, id: str) -> list[str]:
    """Runs that took an artifact, deployments of it, and aliases that stand for it.

    A deployment uses what it serves, is to serve, and can be rolled back to.

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
        *_deployments(database, id)[:_SOME],
        *(f"alias {alias!r}" for alias in aliases[:_SOME]),
    ]


def _deployments(database: Database, artifact: str) -> list[str]:
    """The deployments that serve an artifact, or can be rolled back to it."""
    rows = database.read(
        "SELECT id, name, rollout FROM deployments WHERE until IS NULL AND id IN "
        "(SELECT id FROM deployments WHERE instr(rollout, ?) > 0) ORDER BY name",
        [artifact],
    )
    uses = []
    for id, name, text in rows:
        rollout = cell(text)
        if any(each["artifact"]["id"] == artifact for each in served_releases(rollout)):
            uses.append(f"deployment {name!r}")
        elif any(
            each["artifact"]["id"] == artifact for each in former_releases(database, id, rollout)
        ):
            uses.append(f"rollbacks of deployment {name!r}")
    return uses


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
