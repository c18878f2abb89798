"""Queries for what artifact stores contain, in plain SQL."""

from collections.abc import Sequence

from stackfold.application.artifacts.artifact_views import RecordedStore, StoredManifest
from stackfold.application.eventsourcing.cells import cell
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.database.protocol import Database
from stackfold.infrastructure.database.reading import one_state
from stackfold.infrastructure.queries.deployments import deployed_artifacts


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
        others = [cell(each) for (each,) in (*previews, *logs)]
        return {uri for (uri,) in artifacts} | {
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
