"""Options that select the components of a stack, one per component type."""

from typing import Annotated, Any

import typer

from stackfold.cli.completion import components
from stackfold.domain.stacks.component_type import ComponentType

_SHORT = {
    ComponentType.ORCHESTRATOR: "-o",
    ComponentType.ARTIFACT_STORE: "-a",
    ComponentType.CONTAINER_REGISTRY: "-c",
    ComponentType.STEP_OPERATOR: "-s",
    ComponentType.EXPERIMENT_TRACKER: "-e",
    ComponentType.MODEL_DEPLOYER: "-d",
    ComponentType.MODEL_REGISTRY: "-r",
    ComponentType.FEATURE_STORE: "-f",
    ComponentType.ALERTER: "-al",
    ComponentType.ANNOTATOR: "-an",
    ComponentType.DATA_VALIDATOR: "-dv",
    ComponentType.IMAGE_BUILDER: "-i",
}


def _option(type: ComponentType, help: str) -> Any:
    return typer.Option(
        f"--{type.command}",
        _SHORT[type],
        metavar="NAME",
        show_default=False,
        help=help,
        autocompletion=components(type),
    )


def _one(type: ComponentType) -> Any:
    return _option(type, f"The {type.noun}." + (" Required in every stack." * type.required))


def _several(type: ComponentType) -> Any:
    return _option(type, f"The {type.noun}; repeatable, the first is the default.")


def _first(type: ComponentType) -> Any:
    return _option(type, f"The {type.noun} to use by default.")


def _flag(type: ComponentType) -> Any:
    every = "s, or with --only just those named" if type.several_per_stack else ""
    return typer.Option(
        f"--{type.command}",
        _SHORT[type],
        show_default=False,
        help=f"Remove the {type.noun}{every}.",
    )


Orchestrator = Annotated[str | None, _one(ComponentType.ORCHESTRATOR)]
ArtifactStore = Annotated[str | None, _one(ComponentType.ARTIFACT_STORE)]
ContainerRegistry = Annotated[str | None, _one(ComponentType.CONTAINER_REGISTRY)]
ModelDeployer = Annotated[str | None, _one(ComponentType.MODEL_DEPLOYER)]
ModelRegistry = Annotated[str | None, _one(ComponentType.MODEL_REGISTRY)]
FeatureStore = Annotated[str | None, _one(ComponentType.FEATURE_STORE)]
Annotator = Annotated[str | None, _one(ComponentType.ANNOTATOR)]
DataValidator = Annotated[str | None, _one(ComponentType.DATA_VALIDATOR)]
ImageBuilder = Annotated[str | None, _one(ComponentType.IMAGE_BUILDER)]
StepOperators = Annotated[list[str] | None, _several(ComponentType.STEP_OPERATOR)]
ExperimentTrackers = Annotated[list[str] | None, _several(ComponentType.EXPERIMENT_TRACKER)]
Alerters = Annotated[list[str] | None, _several(ComponentType.ALERTER)]

DefaultStepOperator = Annotated[str | None, _first(ComponentType.STEP_OPERATOR)]
DefaultExperimentTracker = Annotated[str | None, _first(ComponentType.EXPERIMENT_TRACKER)]
DefaultAlerter = Annotated[str | None, _first(ComponentType.ALERTER)]

NoContainerRegistry = Annotated[bool, _flag(ComponentType.CONTAINER_REGISTRY)]
NoModelDeployer = Annotated[bool, _flag(ComponentType.MODEL_DEPLOYER)]
NoModelRegistry = Annotated[bool, _flag(ComponentType.MODEL_REGISTRY)]
NoFeatureStore = Annotated[bool, _flag(ComponentType.FEATURE_STORE)]
NoAnnotator = Annotated[bool, _flag(ComponentType.ANNOTATOR)]
NoDataValidator = Annotated[bool, _flag(ComponentType.DATA_VALIDATOR)]
NoImageBuilder = Annotated[bool, _flag(ComponentType.IMAGE_BUILDER)]
NoStepOperator = Annotated[bool, _flag(ComponentType.STEP_OPERATOR)]
NoExperimentTracker = Annotated[bool, _flag(ComponentType.EXPERIMENT_TRACKER)]
NoAlerter = Annotated[bool, _flag(ComponentType.ALERTER)]


def component_options(context: typer.Context) -> dict[ComponentType, Any]:
    """Component type → value of its option; types without a value are omitted."""
    return {type: context.params[type] for type in ComponentType if context.params.get(type)}
