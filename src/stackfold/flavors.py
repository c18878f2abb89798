"""Everything that a flavor of one's own needs: what it derives from, takes, and returns.

Start with `docs/flavors/own.md`.
"""

from stackfold.application.ports import (
    PORTS,
    Alert,
    Alerter,
    Annotator,
    Answer,
    ArtifactStore,
    ArtifactWriter,
    BuiltImage,
    Configuration,
    ConfigurationT,
    ContainerRegistry,
    Credentials,
    DataValidator,
    Execute,
    ExperimentTracker,
    FeatureStore,
    ImageBuilder,
    ImagePlan,
    ModelDeployer,
    ModelRegistry,
    Orchestrator,
    Recipe,
    RunPlan,
    Secret,
    SecretReader,
    StackComponent,
    StepExecutor,
    StepOperator,
    StepStopped,
    StoredArtifact,
)
from stackfold.application.ports.annotator import Dataset, LabelledItem
from stackfold.application.ports.experiment_tracker import StepRecord, TrackedRun, TrackedStep
from stackfold.application.ports.feature_store import FeatureView, Materialized
from stackfold.application.ports.model_deployer import Deployed, Health, ModelToServe, Served
from stackfold.application.ports.model_registry import RegisteredVersion, VersionToPublish
from stackfold.application.ports.submitting_orchestrator import (
    Job,
    JobImage,
    JobStep,
    Submission,
    SubmittingOrchestrator,
)
from stackfold.application.ports.tensors import Tensor, nested, tensors_of
from stackfold.domain.runs.failure_mode import FailureMode
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.domain.validation.validation_report import Check, ValidationReport
from stackfold.infrastructure.flavors.local.artifact_store import LocalArtifactStore

__all__ = [
    "PORTS",
    "Alert",
    "Alerter",
    "Annotator",
    "Answer",
    "ArtifactStore",
    "ArtifactWriter",
    "BuiltImage",
    "Check",
    "ComponentType",
    "Configuration",
    "ConfigurationT",
    "ContainerRegistry",
    "Credentials",
    "DataValidator",
    "Dataset",
    "Deployed",
    "Execute",
    "ExperimentTracker",
    "FailureMode",
    "FeatureStore",
    "FeatureView",
    "Health",
    "ImageBuilder",
    "ImagePlan",
    "Job",
    "JobImage",
    "JobStep",
    "LabelledItem",
    "LocalArtifactStore",
    "Materialized",
    "ModelDeployer",
    "ModelRegistry",
    "ModelToServe",
    "Orchestrator",
    "Recipe",
    "RegisteredVersion",
    "RunPlan",
    "Secret",
    "SecretReader",
    "Served",
    "StackComponent",
    "StepExecutor",
    "StepOperator",
    "StepRecord",
    "StepStopped",
    "StoredArtifact",
    "Submission",
    "SubmittingOrchestrator",
    "Tensor",
    "TrackedRun",
    "TrackedStep",
    "ValidationReport",
    "VersionToPublish",
    "nested",
    "tensors_of",
]
