"""What the services of a workspace return, and how lists are filtered.

    from stackfold.views import Condition, Listing

    team = Listing(labels=(("team", "vision"),), sort_by="name", size=20)
    workspace.stacks.list(team)

All of them are tuples with names, and can be compared, unpacked and pickled.
"""

from stackfold.application.artifacts.artifact_diffs import ArtifactDiff, ArtifactDifference
from stackfold.application.artifacts.artifact_views import (
    ArtifactAlias,
    ArtifactDescription,
    ArtifactView,
    Lineage,
    LineageStep,
    NamedArtifact,
)
from stackfold.application.artifacts.pruning import PrunedStore
from stackfold.application.deployments.deployment_views import (
    DeploymentDescription,
    DeploymentView,
    FollowedUp,
)
from stackfold.application.history.views import Change, HistoryEntry, LogEvent
from stackfold.application.listing.listing import Condition, Listing
from stackfold.application.models.registry_views import RegistryDifference, RegistryVersionView
from stackfold.application.models.views import (
    ModelDescription,
    ModelVersionDescription,
    ModelVersionView,
    ModelView,
    Promotion,
    VerdictView,
    VersionComparison,
)
from stackfold.application.own_aggregates.queries import AggregateView
from stackfold.application.policies.views import PolicyView
from stackfold.application.reactions.views import ReactionView
from stackfold.application.runs.cache_reasons import CacheReason
from stackfold.application.runs.live_steps import LiveStep
from stackfold.application.runs.metrics import Metric, MetricPoint
from stackfold.application.runs.run_diffs import ComparedField, RunComparison, RunDiff
from stackfold.application.runs.run_texts import StepText
from stackfold.application.runs.run_views import RunDescription, RunView, StepView
from stackfold.application.schedules.views import (
    OccurrenceView,
    ScheduleDescription,
    ScheduleView,
)
from stackfold.application.secrets.secrets import SecretView
from stackfold.application.stacks.import_export import Imported
from stackfold.application.stacks.views import (
    ComponentView,
    FlavorDescription,
    FlavorView,
    StackView,
    StatusView,
)
from stackfold.domain.errors import Violation
from stackfold.infrastructure.eventstore.verification import Verification

__all__ = [
    "AggregateView",
    "ArtifactAlias",
    "ArtifactDescription",
    "ArtifactDiff",
    "ArtifactDifference",
    "ArtifactView",
    "CacheReason",
    "Change",
    "ComparedField",
    "ComponentView",
    "Condition",
    "DeploymentDescription",
    "DeploymentView",
    "FlavorDescription",
    "FlavorView",
    "FollowedUp",
    "HistoryEntry",
    "Imported",
    "Lineage",
    "LineageStep",
    "Listing",
    "LiveStep",
    "LogEvent",
    "Metric",
    "MetricPoint",
    "ModelDescription",
    "ModelVersionDescription",
    "ModelVersionView",
    "ModelView",
    "NamedArtifact",
    "OccurrenceView",
    "PolicyView",
    "Promotion",
    "PrunedStore",
    "ReactionView",
    "RegistryDifference",
    "RegistryVersionView",
    "RunComparison",
    "RunDescription",
    "RunDiff",
    "RunView",
    "ScheduleDescription",
    "ScheduleView",
    "SecretView",
    "StackView",
    "StatusView",
    "StepText",
    "StepView",
    "VerdictView",
    "Verification",
    "VersionComparison",
    "Violation",
]
