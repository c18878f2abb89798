"""Composition of what has to do with runs and what they leave; a part of the workspace."""

import os
import sys
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, cast

if TYPE_CHECKING:
    from stackfold.application.artifacts.artifact_loading import ArtifactLoading
    from stackfold.application.artifacts.artifacts import Artifacts
    from stackfold.application.artifacts.materializers import Materializers
    from stackfold.application.artifacts.pruning import Pruning
    from stackfold.application.eventsourcing.claims import Claims
    from stackfold.application.pipelines.images import Images
    from stackfold.application.runs.run_diffs import RunDiffs
    from stackfold.application.runs.runs import Runs
    from stackfold.application.stacks.flavors import Flavors
    from stackfold.domain.pipelines.pipeline import Pipeline
    from stackfold.domain.pipelines.run_configuration import RunConfiguration
    from stackfold.infrastructure.database.protocol import Database
    from stackfold.infrastructure.eventstore.wiring import EventStoreComponents
    from stackfold.infrastructure.finished_run import FinishedRun
    from stackfold.infrastructure.queries.artifacts import SqlArtifactQueries
    from stackfold.infrastructure.queries.history import SqlHistory
    from stackfold.infrastructure.queries.runs import SqlRunQueries
    from stackfold.infrastructure.queries.stacks import SqlQueries
    from stackfold.infrastructure.workspace import Workspace


Given = ParamSpec("Given")


class RunServices:
    """What a workspace offers for runs, pipelines and artifacts."""

    if TYPE_CHECKING:  # what the workspace has
        home: Path
        queries: SqlQueries
        _database: Database

        @cached_property
        def history(self) -> SqlHistory: ...

        @cached_property
        def flavors(self) -> Flavors: ...

        @cached_property
        def _event_store(self) -> EventStoreComponents: ...

    @cached_property
    def runs(self) -> "Runs":
        """Runs: start one, look up, load what they produced."""
        from stackfold.application.runs.runs import Runs
        from stackfold.infrastructure.queries.cache import SqlExecutions
        from stackfold.infrastructure.queries.changes import SqlChanges
        from stackfold.infrastructure.system.environment import environment
        from stackfold.infrastructure.system.module_sources import code_fingerprints

        return Runs(
            self._event_store.repository,
            self.queries,
            self.run_queries,
            self.flavors,
            self._materializers,
            self._claims,
            self.load_pipeline,
            SqlExecutions(self._database),
            SqlChanges(self._database, self.history),
            environment,
            self.images,
            code_fingerprints,
        )

    def run(
        self, pipeline: "Pipeline[Given]", /, *args: Given.args, **kwargs: Given.kwargs
    ) -> "FinishedRun":
        """Run a pipeline in this workspace, and return when it has completed.

        `runs.start` takes a stack, a configuration and a reason beside the parameters.

        Args:
            pipeline: Which one.
            *args: Its parameters,
            **kwargs: and the same by name.

        Raises:
            InvalidPipeline: Its steps or parameters do not fit.
            RunFailed: A step raised; its exception is the cause.
        """
        from stackfold.infrastructure.finished_run import FinishedRun

        view = self.runs.start(pipeline, pipeline.signature.named(args, kwargs))
        return FinishedRun.of(view, cast("Workspace", self))

    @cached_property
    def images(self) -> "Images":
        """Images: build what the engine of a stack starts."""
        from functools import partial

        from stackfold.application.pipelines.images import Images
        from stackfold.application.stacks.stack_resolver import Pinning
        from stackfold.infrastructure.system.code_folder import code_folder

        locate = partial(code_folder, home=self.home)
        log = ("stackfold[postgres]",) if self._database.shared else ()
        return Images(Pinning(self.queries, self.flavors), self.flavors, locate, log)

    @cached_property
    def run_diffs(self) -> "RunDiffs":
        """What `runs.diff` asks, for those who only read."""
        from stackfold.application.runs.run_diffs import RunDiffs
        from stackfold.infrastructure.queries.changes import SqlChanges

        return RunDiffs(self.run_queries, SqlChanges(self._database, self.history))

    @cached_property
    def artifacts(self) -> "Artifacts":
        """Artifacts: look up what runs produced, load it, see where it comes from, prune."""
        from stackfold.application.artifacts.artifacts import Artifacts

        return Artifacts(self.artifact_queries, self._artifact_loading, self._pruning)

    @cached_property
    def artifact_queries(self) -> "SqlArtifactQueries":
        """What is known of artifacts, by plain SQL."""
        from stackfold.infrastructure.queries.artifacts import SqlArtifactQueries

        return SqlArtifactQueries(self._database)

    def _artifact_loading(self) -> "ArtifactLoading":
        from stackfold.application.artifacts.artifact_loading import ArtifactLoading
        from stackfold.application.stacks.stack_resolver import Pinning

        pinning = Pinning(self.queries, self.flavors)
        return ArtifactLoading(self.artifact_queries, pinning, self._materializers)

    def _pruning(self) -> "Pruning":
        from stackfold.application.artifacts.pruning import Pruning

        home = Path(os.path.realpath(self.home)).as_uri()
        return Pruning(self.artifact_queries, self.flavors, f"{home}/")

    @cached_property
    def run_queries(self) -> "SqlRunQueries":
        """What is known of runs, by plain SQL."""
        from stackfold.infrastructure.queries.runs import SqlRunQueries

        return SqlRunQueries(self._database, self._claims)

    @cached_property
    def _claims(self) -> "Claims":
        if self._database.shared:
            from stackfold.infrastructure.system.postgres_claims import PostgresClaims

            return PostgresClaims(self._database)
        if sys.platform == "win32":
            from stackfold.infrastructure.system.windows_claims import WindowsClaims

            return WindowsClaims(self.home)
        from stackfold.infrastructure.system.claims import FileClaims

        return FileClaims(self.home)

    def load_pipeline(self, source: str, import_root: str = "") -> "Pipeline[...]":
        """The pipeline at "file.py:name" or "module:name"; its module is executed.

        Args:
            source: Where it is.
            import_root: The folder that the module is imported from; by default the current one.

        Raises:
            InvalidFile: There is none, or importing it failed.
        """
        from stackfold.infrastructure.system.pipeline_source import load_pipeline

        return load_pipeline(source, import_root)

    def read_parameters(
        self, pipeline: "Pipeline[...]", texts: Mapping[str, str]
    ) -> dict[str, Any]:
        """The values that the texts of a command line stand for, by the pipeline's type hints."""
        from stackfold.application.pipelines.parameters import from_texts

        return from_texts(pipeline, texts)

    def load_configuration(
        self, path: str | os.PathLike[str] | None = None, **chosen: Any
    ) -> "RunConfiguration":
        """The configuration of a run in a YAML file.

        Args:
            path: The file; None for one that chooses nothing.
            **chosen: What comes before what the file says.

        Raises:
            InvalidFile: It cannot be read, or is no configuration.
            InvalidPipeline: What is chosen cannot be.
        """
        from stackfold.domain.pipelines.run_configuration import AS_WRITTEN
        from stackfold.infrastructure.files.run_configuration import load_configuration

        found = AS_WRITTEN if path is None else load_configuration(Path(path))
        return found.but("the run", chosen)

    @cached_property
    def _materializers(self) -> "Materializers":
        from stackfold.application.artifacts.materializers import Materializers
        from stackfold.infrastructure.materializers import ALL, shipped

        return Materializers(ALL, shipped.load)
