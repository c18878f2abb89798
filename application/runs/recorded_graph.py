"""Rebuilds the graph of a recorded run from its pipeline."""

from collections.abc import Callable

from stackfold.application.runs.recorded_parameters import RecordedParameters
from stackfold.application.runs.run_views import RunDescription, RunQueries
from stackfold.domain.errors import InvalidPipeline
from stackfold.domain.pipelines.graph import Graph
from stackfold.domain.pipelines.pipeline import Pipeline
from stackfold.domain.pipelines.run_configuration import RunConfiguration

PipelineLoader = Callable[[str, str], Pipeline[...]]
"""Loads the pipeline of a recorded source and import root."""


def rebuilt_graph(recorded: RecordedParameters, pipeline: Pipeline[...]) -> Graph:
    """Build the graph of a pipeline with the recorded parameters and configuration of a run.

    Args:
        recorded: The parameters and configuration.
        pipeline: The run's pipeline in its current version.

    Raises:
        InvalidPipeline: It no longer accepts the parameters, or their classes are unknown.
    """
    configuration = RunConfiguration.model_validate(recorded.configuration)
    if recorded.form == "exact":
        return pipeline.graph_as_recorded(recorded.parameters, configuration)
    return pipeline.graph_for(recorded.parameters, configuration)


def recorded_graph(queries: RunQueries, run: RunDescription, pipeline: Pipeline[...]) -> Graph:
    """Build the graph of a run to be continued, which must have the same steps as before.

    Args:
        queries: Reads the recorded parameters.
        run: The run.
        pipeline: Its pipeline in its current version.

    Raises:
        InvalidPipeline: The pipeline has different steps, or no longer accepts the parameters.
    """
    graph = rebuilt_graph(queries.recorded_parameters(run.id), pipeline)
    now = {node.name: list(node.upstream) for node in graph.nodes}
    then = {step.name: step.upstream for step in run.steps}
    if now != then:
        differ = [name for name in {**then, **now} if now.get(name) != then.get(name)]
        raise InvalidPipeline(
            f"its pipeline has changed since, in {', '.join(differ[:5])}; start a new run"
        )
    return graph
