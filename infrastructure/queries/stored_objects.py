"""Queries for what artifact stores contain, in plain SQL."""

from collections.abc import Sequence

from stackfold.application.artifacts.artifact_views import RecordedStore, StoredManifest
from stackfold.application.eventsourcing.cells import cell
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.database import request_tables
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.database.reading import one_state
from stackfold.infrastructure.queries.artifact_aliases import alias_targets
from stackfold.infrastructure.queries.deployments import deployed_artifacts

_MADE = "f.artifact = ? AND f.direction IN ('out', 'saved', 'given')"
_STACKS = (
    "SELECT r.stack_id, coalesce(s.name, r.stack) FROM flows AS f JOIN runs AS r ON r.id = f.run "
    f"LEFT JOIN stacks AS s ON s.id = r.stack_id AND s.until IS NULL WHERE {_MADE} "
    "ORDER BY r.position"
)
_NAMES_OF = (
    "SELECT name FROM artifact_versions WHERE artifact = ? UNION ALL "
    "SELECT pipeline || '/' || step || '/' || name FROM artifacts WHERE id = ?"
)
_VERSIONS = (
    "SELECT v.number, m.aliases FROM flows AS f JOIN runs AS r ON r.id = f.run "
    "JOIN model_versions AS v ON v.id = r.model_version AND v.until IS NULL "
    f"JOIN models AS m ON m.id = v.model AND m.until IS NULL WHERE {_MADE}"
)


class StoredObjects:
    """The stores that were ever configured, and the objects in them that are still needed."""

    def __init__(self, database: Database) -> None:
        """Create the queries.

        Args:
            database: Holds the read models.
        """
        self._database = database

    def stores(self) -> Sequence[RecordedStore]:
        """Every configuration that an artifact store has had."""
        rows = self._database.read(
            "SELECT name, flavor, configuration FROM components WHERE type = ? ORDER BY since",
            [ComponentType.ARTIFACT_STORE.value],
        )
        return [
            RecordedStore([name], flavor, cell(configuration))
            for name, flavor, configuration in dict.fromkeys(rows)
        ]

    @one_state
    def referenced(self) -> set[str]:
        """The URIs in artifact stores that runs and deployments refer to."""
        artifacts = self._database.read(
            "SELECT uri FROM artifacts WHERE id IN (SELECT artifact FROM flows)"
        )
        previews = self._database.read(
            "SELECT preview FROM artifacts WHERE preview IS NOT NULL "
            "AND id IN (SELECT artifact FROM flows)"
        )
        logs = self._database.read("SELECT log FROM steps WHERE log IS NOT NULL")
        requests = []
        if self._database.read(request_tables.FIND[self._database.shared], [request_tables.NAME]):
            requests = self._database.read(f"SELECT uri FROM {request_tables.NAME}")
        others = [cell(each) for (each,) in (*previews, *logs)]
        return {uri for (uri,) in (*artifacts, *requests)} | {
            each["uri"] for each in (*others, *deployed_artifacts(self._database))
        }

    @one_state
    def folders(self) -> list[StoredManifest]:
        """The manifests of the folders that runs and deployments refer to."""
        artifacts = self._database.read(
            "SELECT uri, digest, manifest FROM artifacts WHERE manifest IS NOT NULL "
            "AND id IN (SELECT artifact FROM flows)"
        )
        others = deployed_artifacts(self._database)
        return [StoredManifest(*row) for row in artifacts] + [
            StoredManifest(each["uri"], each["digest"], each["manifest"])
            for each in others
            if each.get("manifest") is not None
        ]

    def stacks_of(self, id: str) -> dict[str, str]:
        """The id of each stack whose runs have the artifact with an id as an output → its name."""
        return dict(self._database.read(_STACKS, [id]))

    def is_promoted(self, id: str) -> bool:
        """Whether an alias stands for the artifact with an id, or for its version of a model."""
        names = self._database.read(_NAMES_OF, [id, id])
        for (name,) in names:
            targets = alias_targets(self._database, name)
            if any(each["artifact"] == id for each in targets.values()):
                return True
        return any(
            target["number"] == number
            for number, aliases in self._database.read(_VERSIONS, [id])
            for target in cell(aliases).values()
        )
