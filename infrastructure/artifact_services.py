"""The services for artifacts; a part of the services of a workspace."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stackfold.infrastructure.database.protocol import Database

if TYPE_CHECKING:
    cached_property = property

    from stackfold.application.artifacts.aliases import Aliases
    from stackfold.application.artifacts.annotating import Annotating
    from stackfold.application.artifacts.artifact_diffs import ArtifactDiffs
    from stackfold.application.artifacts.artifact_loading import ArtifactLoading
    from stackfold.application.artifacts.artifacts import Artifacts
    from stackfold.application.artifacts.external_artifacts import ExternalArtifacts
    from stackfold.application.artifacts.materializers import Materializers
    from stackfold.application.artifacts.pruning import Pruning
    from stackfold.application.eventsourcing.repository import Repository
    from stackfold.application.runs.run_views import StepView
    from stackfold.application.stacks.flavors import Flavors
    from stackfold.application.stacks.stack_resolver import StackResolver
    from stackfold.infrastructure.queries.artifacts import SqlArtifactQueries
    from stackfold.infrastructure.queries.history import SqlHistory
    from stackfold.infrastructure.queries.runs import SqlRunQueries
else:
    from functools import cached_property


class ArtifactServices:
    """Knows artifacts, and reads and writes their values."""

    database: Database
    home: Path

    if TYPE_CHECKING:

        @property
        def repository(self) -> Repository: ...
        @property
        def history(self) -> SqlHistory: ...
        @property
        def resolver(self) -> StackResolver: ...
        @property
        def flavors(self) -> Flavors: ...
        @property
        def run_queries(self) -> SqlRunQueries: ...

    @cached_property
    def materializers(self) -> "Materializers":
        """Writes and reads values."""
        from stackfold.application.artifacts.materializers import Materializers
        from stackfold.infrastructure.materializers import ALL, shipped
        from stackfold.infrastructure.system.temporary_folder import TemporaryFolder

        return Materializers(ALL, shipped.load, TemporaryFolder)

    @cached_property
    def artifacts(self) -> "Artifacts":
        """Queries and commands on artifacts."""
        from stackfold.application.artifacts.artifacts import Artifacts

        loading, pruning = self._artifact_loading, self._pruning
        return Artifacts(
            *(self.artifact_queries, loading, pruning, self._aliases, self._external_artifacts),
            self._annotating,
            self._artifact_diffs,
        )

    @cached_property
    def artifact_queries(self) -> "SqlArtifactQueries":
        """Reads artifacts."""
        from stackfold.infrastructure.queries.artifacts import SqlArtifactQueries

        return SqlArtifactQueries(self.database)

    def _aliases(self) -> "Aliases":
        from stackfold.application.artifacts.aliases import Aliases

        return Aliases(self.artifact_queries, self.repository, self.history)

    def _artifact_diffs(self) -> "ArtifactDiffs":
        from stackfold.application.artifacts.artifact_diffs import ArtifactDiffs

        def steps_of(run: str) -> "Sequence[StepView]":
            return self.run_queries.describe_run(run).steps

        return ArtifactDiffs(self.artifact_queries, steps_of, self._artifact_loading)

    def _annotating(self) -> "Annotating":
        from stackfold.application.artifacts.annotating import Annotating

        return Annotating(self.artifact_queries, self.repository, self.history)

    def _external_artifacts(self) -> "ExternalArtifacts":
        from stackfold.application.artifacts.external_artifacts import ExternalArtifacts
        from stackfold.infrastructure.files.external_sources import ExternalSources

        return ExternalArtifacts(
            self.repository,
            self.artifact_queries,
            self.resolver,
            self.materializers,
            ExternalSources(),
        )

    def _artifact_loading(self) -> "ArtifactLoading":
        from stackfold.application.artifacts.artifact_loading import ArtifactLoading
        from stackfold.infrastructure.files.conversion import converted
        from stackfold.infrastructure.previews.preview_reader import Previews

        return ArtifactLoading(
            self.artifact_queries, self.resolver, self.materializers, Previews(), converted
        )

    def _pruning(self) -> "Pruning":
        from stackfold.application.artifacts.pruning import Pruning

        home = Path(os.path.realpath(self.home)).as_uri()
        return Pruning(self.artifact_queries, self.flavors, f"{home}/")
