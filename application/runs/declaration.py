"""Declares runs: how events change the tables of runs, steps and artifacts."""

from stackfold.application.eventsourcing.aggregate_type import AggregateType
from stackfold.application.runs.artifact_projection import ARTIFACT_TABLES
from stackfold.application.runs.metric_projection import METRIC_TABLES
from stackfold.application.runs.run_projection import RUN_TABLES
from stackfold.domain.runs.run import Run

# Artifacts and metrics look up columns of their run, so its table comes first.
RUNS = AggregateType(Run, tables=(RUN_TABLES, ARTIFACT_TABLES, METRIC_TABLES))
