"""Interfaces that the classes of flavors implement: one port per component type.

Start with `stack_component.py`, which all of them share.
"""

from stackfold.application.ports.alert import Alert, Answer
from stackfold.application.ports.alerter import Alerter
from stackfold.application.ports.annotator import Annotator
from stackfold.application.ports.artifact_store import (
    ArtifactStore,
    ArtifactWriter,
    ListedArtifact,
    StoredArtifact,
)
from stackfold.application.ports.data_validator import DataValidator
from stackfold.application.ports.experiment_tracker import ExperimentTracker
from stackfold.application.ports.feature_store import FeatureStore
from stackfold.application.ports.image_builder import (
    ContainerRegistry,
    Credentials,
    ImageBuilder,
    ImagePlan,
)
from stackfold.application.ports.image_views import BuiltImage, Recipe
from stackfold.application.ports.interruptions import StepStopped
from stackfold.application.ports.model_deployer import ModelDeployer
from stackfold.application.ports.model_registry import ModelRegistry
from stackfold.application.ports.orchestrator import Execute, Orchestrator, RunPlan
from stackfold.application.ports.stack_component import (
    Configuration,
    ConfigurationT,
    Secret,
    SecretReader,
    StackComponent,
)
from stackfold.application.ports.step_executor import Result, StepExecutor
from stackfold.application.ports.step_operator import StepOperator
from stackfold.domain.stacks.component_type import TypeOrName

__all__ = [
    "PORTS",
    "Alert",
    "Alerter",
    "Annotator",
    "Answer",
    "ArtifactStore",
    "ArtifactWriter",
    "BuiltImage",
    "Configuration",
    "ConfigurationT",
    "ContainerRegistry",
    "Credentials",
    "DataValidator",
    "Execute",
    "ExperimentTracker",
    "FeatureStore",
    "ImageBuilder",
    "ImagePlan",
    "ListedArtifact",
    "ModelDeployer",
    "ModelRegistry",
    "Orchestrator",
    "Recipe",
    "Result",
    "RunPlan",
    "Secret",
    "SecretReader",
    "StackComponent",
    "StepExecutor",
    "StepOperator",
    "StepStopped",
    "StoredArtifact",
]

PORTS: dict[TypeOrName, type[StackComponent]] = {
    port.component_type: port
    for port in (
        Orchestrator,
        ArtifactStore,
        ContainerRegistry,
        StepOperator,
        ExperimentTracker,
        ModelDeployer,
        ModelRegistry,
        FeatureStore,
        Alerter,
        Annotator,
        DataValidator,
        ImageBuilder,
    )
}
"""Component type of Stackfold → the class that every flavor of that type derives from."""
