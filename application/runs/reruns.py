"""Reruns: repeat a run with its recorded parameters and pinned configuration."""

import warnings
from collections.abc import Callable
from uuid import UUID

from stackfold.application.pipelines.step_codes import StepCodes
from stackfold.application.runs.launcher import RunLauncher, RunRequest
from stackfold.application.runs.progress import ProgressListener
from stackfold.application.runs.recorded_graph import PipelineLoader, rebuilt_graph
from stackfold.application.runs.run_views import RunDescription, RunQueries, minor_version
from stackfold.domain.errors import CodeChanged
from stackfold.domain.pipelines.code import FORM, CodeFingerprints
from stackfold.domain.pipelines.graph import Graph
from stackfold.domain.pipelines.pipeline import Pipeline
from stackfold.domain.runs.environment import Environment
from stackfold.domain.runs.pin import Pin


class Reruns:
    """Repeats runs."""

    def __init__(
        self,
        queries: RunQueries,
        launcher: RunLauncher,
        load_pipeline: PipelineLoader,
        environment: Callable[[], Environment],
    ) -> None:
        """Create the service.

        Args:
            queries: Reads runs.
            launcher: Starts runs.
            load_pipeline: Loads the pipeline at a source.
            environment: Describes this Python, platform and its packages.
        """
        self._queries = queries
        self._launcher = launcher
        self._load_pipeline = load_pipeline
        self._environment = environment

    def rerun(
        self,
        reference: str,
        pipeline: Pipeline[...] | None,
        why: str,
        listener: ProgressListener,
        fresh_inputs: bool = False,
    ) -> str:
        """Repeat a run, and return the id of the new one; raises as `Runs.rerun`."""
        run = self._queries.describe_run(reference)
        found = pipeline or self._load_pipeline(run.source, run.import_root)
        graph = rebuilt_graph(self._queries.recorded_parameters(run.id), found)
        environment = self._environment()
        changed = _changed(run, graph, self._launcher.fingerprints(), environment.python)
        if changed:
            warnings.warn(CodeChanged(run.name, changed), stacklevel=3)
        request = RunRequest(
            graph,
            Pin.model_validate(run.pin),
            why,
            environment=environment,
            rerun_of=UUID(run.id),
            listener=listener,
            references={} if fresh_inputs else self._queries.pinned_artifacts(run.id),
        )
        return self._launcher.start(request)


def _changed(
    run: RunDescription, graph: Graph, fingerprints: CodeFingerprints, python: str
) -> list[str]:
    """Return the steps that are new, missing, or whose code has changed."""
    codes = StepCodes(fingerprints, graph.nodes)
    now = {node.name: codes.of(node).digest for node in graph.nodes}
    # Fingerprints of another form or of another Python's byte code cannot be compared.
    same = minor_version(run.environment.get("python")) in ("", minor_version(python))
    then = {
        step.name: step.code
        if step.code and step.code_form == FORM and same
        else now.get(step.name)
        for step in run.steps
    }
    return [name for name in {**then, **now} if then.get(name) != now.get(name)]
