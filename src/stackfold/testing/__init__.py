"""What tests of programs and flavors that use Stackfold need.

Importing this package imports nothing else: each public name is loaded when it is first used. Only
the contracts need pytest, which the extra `testing` installs. Its fixtures, which need no import,
are `stackfold_workspace`, `stackfold_frozen_time` and `stackfold_step_context`.

Start with `docs/testing.md`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stackfold.testing.contracts.alerter import AlerterContract
    from stackfold.testing.contracts.annotator import AnnotatorContract
    from stackfold.testing.contracts.artifact_store import ArtifactStoreContract
    from stackfold.testing.contracts.container_registry import ContainerRegistryContract
    from stackfold.testing.contracts.data_validator import DataValidatorContract
    from stackfold.testing.contracts.experiment_tracker import ExperimentTrackerContract
    from stackfold.testing.contracts.feature_store import FeatureStoreContract
    from stackfold.testing.contracts.image_builder import ImageBuilderContract
    from stackfold.testing.contracts.model_deployer import ModelDeployerContract, model_to_serve
    from stackfold.testing.contracts.model_registry import ModelRegistryContract
    from stackfold.testing.contracts.orchestrator import OrchestratorContract
    from stackfold.testing.contracts.step_operator import StepOperatorContract
    from stackfold.testing.contracts.tracking_tool import SeenStep, TrackingTool
    from stackfold.testing.given_when_then import event, given, past, stamped
    from stackfold.testing.projections import Projected, project
    from stackfold.testing.step_contexts import RecordedStepContext, step_context

__all__ = [
    "AlerterContract",
    "AnnotatorContract",
    "ArtifactStoreContract",
    "ContainerRegistryContract",
    "DataValidatorContract",
    "ExperimentTrackerContract",
    "FeatureStoreContract",
    "ImageBuilderContract",
    "ModelDeployerContract",
    "ModelRegistryContract",
    "OrchestratorContract",
    "Projected",
    "RecordedStepContext",
    "SeenStep",
    "StepOperatorContract",
    "TrackingTool",
    "event",
    "given",
    "model_to_serve",
    "past",
    "project",
    "stamped",
    "step_context",
]

_MODULES = {
    "AlerterContract": "contracts.alerter",
    "AnnotatorContract": "contracts.annotator",
    "ArtifactStoreContract": "contracts.artifact_store",
    "ContainerRegistryContract": "contracts.container_registry",
    "DataValidatorContract": "contracts.data_validator",
    "ExperimentTrackerContract": "contracts.experiment_tracker",
    "FeatureStoreContract": "contracts.feature_store",
    "ImageBuilderContract": "contracts.image_builder",
    "ModelDeployerContract": "contracts.model_deployer",
    "ModelRegistryContract": "contracts.model_registry",
    "OrchestratorContract": "contracts.orchestrator",
    "Projected": "projections",
    "RecordedStepContext": "step_contexts",
    "SeenStep": "contracts.tracking_tool",
    "StepOperatorContract": "contracts.step_operator",
    "TrackingTool": "contracts.tracking_tool",
    "event": "given_when_then",
    "given": "given_when_then",
    "model_to_serve": "contracts.model_deployer",
    "past": "given_when_then",
    "project": "projections",
    "stamped": "given_when_then",
    "step_context": "step_contexts",
}
"""Public name → the module of this package that it is loaded from."""


def __getattr__(name: str) -> Any:
    """Load a public name on first use."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)
