"""Declares runs: how events change the tables of runs, steps and artifacts."""

from functools import partial

from stackfold.application.artifacts.model_names import must_be_no_models
from stackfold.application.eventsourcing.aggregate_type import AggregateType
from stackfold.application.runs.artifact_projection import ARTIFACT_TABLES
from stackfold.application.runs.metric_projection import METRIC_TABLES
from stackfold.application.runs.run_projection import RUN_TABLES
from stackfold.application.stacks.queries import StackQueries
from stackfold.domain.runs.run import Run


def names_must_be_free(queries: StackQueries, event: Run.StepCompleted, row: object) -> None:
    """Reject outputs with the name of a model."""
    if event.names:
        must_be_no_models(
            partial(queries.has_name, "model"), {each.name for each in event.names.values()}
        )


def name_must_be_free(queries: StackQueries, event: Run.ArtifactSaved, row: object) -> None:
    """Reject an artifact with the name of a model."""
    must_be_no_models(partial(queries.has_name, "model"), [event.own.name])


# Artifacts and metrics look up columns of their run, so its table comes first.
RUNS = AggregateType(
    Run,
    tables=(RUN_TABLES, ARTIFACT_TABLES, METRIC_TABLES),
    constraints={
        Run.StepCompleted: names_must_be_free,
        Run.ArtifactSaved: name_must_be_free,
    },
)
