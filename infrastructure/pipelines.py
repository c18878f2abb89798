"""Pipelines of files and modules, and the parameters and configurations of their runs."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackfold.application.listing.listing import ALL, Listing

if TYPE_CHECKING:
    from stackfold.application.runs.run_views import PipelineView, RunQueries
    from stackfold.domain.pipelines.pipeline import Pipeline
    from stackfold.domain.pipelines.run_configuration import RunConfiguration


class Pipelines:
    """Lists the pipelines that have run, and loads what `pipeline run` takes."""

    def __init__(self, queries: "RunQueries") -> None:
        """Create the service.

        Args:
            queries: Reads runs.
        """
        self._queries = queries

    def list(self, listing: Listing = ALL) -> "Sequence[PipelineView]":
        """List the pipelines that have run, each with its latest run.

        Args:
            listing: Filters, order and page.

        Raises:
            InvalidListing: Pipelines have no such column.
        """
        return self._queries.pipelines(listing)

    def load(self, source: str, import_root: str = "") -> "Pipeline[...]":
        """Import a pipeline.

        Args:
            source: "file.py:name" or "module:name"; the module is executed.
            import_root: The folder that modules are imported from; empty for the current one.

        Raises:
            InvalidFile: There is no such pipeline, or its module cannot be imported.
        """
        from stackfold.infrastructure.system.pipeline_source import load_pipeline

        return load_pipeline(source, import_root)

    def parameters(self, pipeline: "Pipeline[...]", texts: Mapping[str, str]) -> dict[str, Any]:
        """Convert the parameters on a command line by the type hints of a pipeline.

        Args:
            pipeline: The pipeline.
            texts: Parameter → text.
        """
        from stackfold.application.pipelines.parameters import from_texts

        return from_texts(pipeline, texts)

    def configuration(
        self, path: str | os.PathLike[str] | None = None, **chosen: Any
    ) -> "RunConfiguration":
        """Read the configuration of a run from a YAML file.

        Args:
            path: The file; None for an empty configuration.
            **chosen: Options that override those of the file.

        Raises:
            InvalidFile: It cannot be read, or is no configuration.
            InvalidPipeline: An option is unknown or has an invalid value.
        """
        from stackfold.domain.pipelines.run_configuration import AS_WRITTEN
        from stackfold.infrastructure.files.run_configuration import load_configuration

        found = AS_WRITTEN if path is None else load_configuration(Path(path))
        return found.but("the run", chosen)
