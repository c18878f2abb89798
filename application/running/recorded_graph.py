"""The graph of a run that was recorded: its pipeline once more, as long as it is the same."""

from collections.abc import Callable

from stackfold.application.run_views import RunDescription
from stackfold.domain.configuration import RunConfiguration
from stackfold.domain.errors import InvalidPipeline
from stackfold.domain.graph import Graph
from stackfold.domain.pipeline import Pipeline

PipelineLoader = Callable[[str, str], Pipeline[...]]
"""From a recorded source and its import root to the pipeline there."""


def recorded_graph(run: RunDescription, pipeline: Pipeline[...]) -> Graph:
    """The steps of a run, with the parameters and the configuration that it began with.

    Args:
        run: Which one.
        pipeline: Its pipeline, as it is now.

    Raises:
        InvalidPipeline: The pipeline has other steps now, or takes other parameters.
    """
    configuration = RunConfiguration.model_validate(run.configuration)
    graph = pipeline.graph_for(run.parameters, configuration)
    now = {node.name: list(node.upstream) for node in graph.nodes}
    then = {step.name: step.upstream for step in run.steps}
    if now != then:
        differ = [name for name in {**then, **now} if now.get(name) != then.get(name)]
        raise InvalidPipeline(
            f"its pipeline has changed since, in {', '.join(differ[:5])}; run it anew"
        )
    return graph
