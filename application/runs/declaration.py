"""Declares runs: how events change the tables of runs, steps and artifacts."""

from stackfold.application.eventsourcing.aggregate_type import AggregateType
from stackfold.application.runs.artifact_projection import ARTIFACT_TABLES
from stackfold.application.runs.run_projection import RUN_TABLES
from stackfold.domain.runs.run import Run

# Artifacts look up the pipeline of their run, so its table comes first.
RUNS = AggregateType(Run, tables=(RUN_TABLES, ARTIFACT_TABLES))
