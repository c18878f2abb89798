"""Options that select the components of a stack, one per component type."""

import inspect
from functools import cached_property
from typing import Annotated, Any

import typer

from stackfold.cli.completion import components
from stackfold.cli.installed_types import installed_types
from stackfold.cli.typer_ext import Command, options_of
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
    return _option(type, _several_help(type))


def _first(type: ComponentType) -> Any:
    return _option(type, _default_help(type))


def _flag(type: ComponentType) -> Any:
    return typer.Option(
        f"--{type.command}",
        _SHORT[type],
        show_default=False,
        help=_removal_help(type),
    )


def _several_help(type: ComponentType) -> str:
    return f"The {type.noun}; repeatable, the first is the default."


def _default_help(type: ComponentType) -> str:
    return f"The {type.noun} to use by default."


def _removal_help(type: ComponentType) -> str:
    every = "s, or with --only just those named" if type.several_per_stack else ""
    return f"Remove the {type.noun}{every}."


Orchestrator = Annotated[str | None, _one(ComponentType.ORCHESTRATOR)]
ArtifactStore = Annotated[str | None, _one(ComponentType.ARTIFACT_STORE)]
ContainerRegistry = Annotated[str | None, _one(ComponentType.CONTAINER_REGISTRY)]
ModelDeployer = Annotated[str | None, _one(ComponentType.MODEL_DEPLOYER)]
ModelRegistry = Annotated[str | None, _one(ComponentType.MODEL_REGISTRY)]
FeatureStore = Annotated[str | None, _one(ComponentType.FEATURE_STORE)]
Annotator = Annotated[str | None, _one(ComponentType.ANNOTATOR)]
ImageBuilder = Annotated[str | None, _one(ComponentType.IMAGE_BUILDER)]
StepOperators = Annotated[list[str] | None, _several(ComponentType.STEP_OPERATOR)]
ExperimentTrackers = Annotated[list[str] | None, _several(ComponentType.EXPERIMENT_TRACKER)]
Alerters = Annotated[list[str] | None, _several(ComponentType.ALERTER)]
DataValidators = Annotated[list[str] | None, _several(ComponentType.DATA_VALIDATOR)]

DefaultStepOperator = Annotated[str | None, _first(ComponentType.STEP_OPERATOR)]
DefaultExperimentTracker = Annotated[str | None, _first(ComponentType.EXPERIMENT_TRACKER)]
DefaultAlerter = Annotated[str | None, _first(ComponentType.ALERTER)]
DefaultDataValidator = Annotated[str | None, _first(ComponentType.DATA_VALIDATOR)]

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


_OWN = "stackfold.component_types"


class ComposingCommand(Command):
    """A command with an option for each component type that an installed package declares."""

    def get_params(self, ctx: Any) -> list[Any]:
        params = super().get_params(ctx)
        last = max(place for place, each in enumerate(params) if each.name in ComponentType)
        return [*params[: last + 1], *self._own, *params[last + 1 :]]

    @cached_property
    def _own(self) -> list[Any]:
        return [made for type in installed_types() if (made := self._made(type))]

    def _made(self, type: ComponentType) -> Any | None:
        """The option of a type; None if the command has none for it."""
        help = _several_help(type) if type.several_per_stack else f"The {type.noun}."
        return _own_option(type, help, list[str] if type.several_per_stack else str)


class RemovingCommand(ComposingCommand):
    """The same for a command that removes components."""

    def _made(self, type: ComponentType) -> Any | None:
        return _own_option(type, _removal_help(type), bool)


class DefaultingCommand(ComposingCommand):
    """The same for a command that chooses among several components of a type."""

    def _made(self, type: ComponentType) -> Any | None:
        return _own_option(type, _default_help(type), str) if type.several_per_stack else None


def _own_option(type: ComponentType, help: str, kind: Any) -> Any:
    def collect(context: typer.Context, value: Any) -> None:
        if value:
            context.meta.setdefault(_OWN, {})[type] = value

    is_flag = kind is bool
    option = typer.Option(
        f"--{type.command}",
        metavar=None if is_flag else "NAME",
        show_default=False,
        help=help,
        autocompletion=None if is_flag else components(type),
        expose_value=False,
        callback=collect,
    )
    hint: Any = kind if is_flag else kind | None
    hint = Annotated[hint, option]
    return _declared(f"own_{type}", hint, default=False if is_flag else None)


def _declared(name: str, hint: Any, default: Any) -> Any:
    """The option that a parameter of a function would declare."""

    # Not by the class of typer's options, whose arguments its versions change.
    def declare() -> None:
        pass

    keyword = inspect.Parameter.KEYWORD_ONLY
    parameter = inspect.Parameter(name, keyword, default=default, annotation=hint)
    declare.__annotations__ = {name: hint}
    vars(declare)["__signature__"] = inspect.Signature([parameter])
    (option,) = options_of(declare)
    return option


def component_options(context: typer.Context) -> dict[ComponentType, Any]:
    """Component type → value of its option; types without a value are omitted."""
    given = {type: context.params[type] for type in ComponentType if context.params.get(type)}
    return {**given, **context.meta.get(_OWN, {})}
