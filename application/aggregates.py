"""The aggregates of Stackfold, with the locations of their declarations. Add new ones here."""

from stackfold.application.eventsourcing.aggregate_set import Aggregates
from stackfold.application.eventsourcing.aggregate_type import AggregateReference

_STACKS = "stackfold.application.stacks"
_ARTIFACTS = "stackfold.application.artifacts"
_RUNS = "stackfold.application.runs"
_DEPLOYMENTS = "stackfold.application.deployments"
_POLICIES = "stackfold.application.policies"
_MODELS = "stackfold.application.models"
_SCHEDULES = "stackfold.application.schedules"

STACKFOLD_AGGREGATES = Aggregates(
    AggregateReference("stack", f"{_STACKS}.stack_declaration:STACKS", f"{_STACKS}.rows:STACKS"),
    AggregateReference(
        "component", f"{_STACKS}.component_declaration:COMPONENTS", f"{_STACKS}.rows:COMPONENTS"
    ),
    AggregateReference(
        "flavor", f"{_STACKS}.flavor_declaration:FLAVORS", f"{_STACKS}.rows:FLAVORS"
    ),
    AggregateReference(
        "activation",
        f"{_STACKS}.activation_declaration:ACTIVATIONS",
        f"{_STACKS}.rows:ACTIVATIONS",
    ),
    AggregateReference(
        "deployment",
        f"{_DEPLOYMENTS}.declaration:DEPLOYMENTS",
        f"{_DEPLOYMENTS}.rows:DEPLOYMENTS",
    ),
    AggregateReference("run", f"{_RUNS}.declaration:RUNS"),
    AggregateReference("policy", f"{_POLICIES}.declaration:POLICIES", f"{_POLICIES}.rows:POLICIES"),
    AggregateReference(
        "artifact_name",
        f"{_ARTIFACTS}.name_declaration:ARTIFACT_NAMES",
        f"{_ARTIFACTS}.name_rows:ARTIFACT_NAMES",
    ),
    AggregateReference(
        "external_artifact",
        f"{_RUNS}.external_declaration:EXTERNAL_ARTIFACTS",
        f"{_ARTIFACTS}.external_rows:EXTERNAL_ARTIFACTS",
    ),
    AggregateReference(
        "artifact_note",
        f"{_ARTIFACTS}.note_declaration:ARTIFACT_NOTES",
        f"{_ARTIFACTS}.note_rows:ARTIFACT_NOTES",
    ),
    AggregateReference("model", f"{_MODELS}.declarations:MODELS", f"{_MODELS}.rows:MODELS"),
    AggregateReference(
        "model_version",
        f"{_MODELS}.declarations:MODEL_VERSIONS",
        f"{_MODELS}.rows:MODEL_VERSIONS",
    ),
    AggregateReference(
        "schedule", f"{_SCHEDULES}.declaration:SCHEDULES", f"{_SCHEDULES}.rows:SCHEDULES"
    ),
)
"""The aggregate types of every log."""
