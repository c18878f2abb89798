"""The graph of a run that was recorded: its pipeline once more, as long as it is the same."""

from collections.abc import Callable

from stackfold.application.runs.recorded_parameters import RecordedParameters
from stackfold.application.runs.run_views import RunDescription, RunQueries
from stackfold.domain.errors import InvalidPipeline
from stackfold.domain.pipelines.graph import Graph
from stackfold.domain.pipelines.pipeline import Pipeline
from stackfold.domain.pipelines.run_configuration import RunConfiguration

PipelineLoader = Callable[[str, str], Pipeline[...]]
"""From a recorded source and its import root to the pipeline there."""


def graph_again(recorded: RecordedParameters, pipeline: Pipeline[...]) -> Graph:
    """The steps of a pipeline, with the parameters and the configuration that a run began with.

    Args:
        recorded: Those parameters, and that configuration.
        pipeline: The run's pipeline, as it is now.

    Raises:
        InvalidPipeline: It takes other parameters now, or does not know their classes.
    """
    configuration = RunConfiguration.model_validate(recorded.configuration)
    if recorded.form == "exact":
        return pipeline.graph_as_recorded(recorded.parameters, configuration)
    return pipeline.graph_for(recorded.parameters, configuration)


def recorded_graph(queries: RunQueries, run: RunDescription, pipeline: Pipeline[...]) -> Graph:
    """The same for a run that goes on: its steps must be those of then.

    Args:
        queries: Know what was recorded.
        run: Which run.
        pipeline: Its pipeline, as it is now.

    Raises:
        InvalidPipeline: The pipeline has other steps now, or takes other parameters.
    """
    graph = graph_again(queries.recorded_parameters(run.id), pipeline)
    now = {node.name: list(node.upstream) for node in graph.nodes}
    then = {step.name: step.upstream for step in run.steps}
    if now != then:
        differ = [name for name in {**then, **now} if now.get(name) != then.get(name)]
        raise InvalidPipeline(
            f"its pipeline has changed since, in {', '.join(differ[:5])}; run it anew"
        )
    return graph
