"""`stackfold stack`: compose, inspect, change and activate stacks."""

import os
from typing import Annotated

import typer

from stackfold.cli import history as past
from stackfold.cli import import_export as exchange
from stackfold.cli import show
from stackfold.cli import stack_names as names
from stackfold.cli.component_options import (
    Alerters,
    Annotator,
    ArtifactStore,
    ComposingCommand,
    ContainerRegistry,
    DataValidators,
    DefaultAlerter,
    DefaultDataValidator,
    DefaultExperimentTracker,
    DefaultingCommand,
    DefaultStepOperator,
    ExperimentTrackers,
    FeatureStore,
    ImageBuilder,
    ModelDeployer,
    ModelRegistry,
    NoAlerter,
    NoAnnotator,
    NoContainerRegistry,
    NoDataValidator,
    NoExperimentTracker,
    NoFeatureStore,
    NoImageBuilder,
    NoModelDeployer,
    NoModelRegistry,
    NoStepOperator,
    Orchestrator,
    RemovingCommand,
    StepOperators,
    component_options,
)
from stackfold.cli.options import (
    ActiveOrStackName,
    AsOf,
    Columns,
    ExpectedPosition,
    ExpectedRevision,
    Message,
    Name,
    OnlyLabels,
    Output,
    Page,
    RemoveLabels,
    SetLabels,
    Size,
    SortBy,
    StackName,
    filter_option,
    label_changes,
    listing,
    parse_columns,
    parse_pairs,
)
from stackfold.cli.render import Format, Shape, echo, note, show_rows
from stackfold.cli.typer_ext import Noun, WrongUsage
from stackfold.infrastructure.workspace import Workspace

stack = Noun("stack", "Compose, inspect, change and activate stacks.")

Description = Annotated[
    str | None,
    typer.Option("--description", metavar="TEXT", show_default=False, help="A description."),
]


# -- queries


@stack.command("list")
def list_stacks(
    id: Annotated[str | None, filter_option("id")] = None,
    name: Annotated[str | None, filter_option("name")] = None,
    revision: Annotated[str | None, filter_option("revision")] = None,
    description: Annotated[str | None, filter_option("description")] = None,
    created: Annotated[str | None, filter_option("created")] = None,
    updated: Annotated[str | None, filter_option("updated")] = None,
    by: Annotated[str | None, filter_option("by")] = None,
    label: OnlyLabels = None,
    sort_by: SortBy = "name",
    page: Page = 1,
    size: Size = show.PAGE,
    columns: Columns = None,
    as_of: AsOf = None,
    output: Output = Format.TABLE,
) -> None:
    """List stacks.

    A filter matches an equal value, or contains:TEXT, startswith:TEXT, endswith:TEXT, oneof:A,B,...
    """
    filters = {
        "id": id,
        "name": name,
        "revision": revision,
        "description": description,
        "created": created,
        "updated": updated,
        "by": by,
    }
    show.stacks(output, listing(filters, label, sort_by, page, size), parse_columns(columns), as_of)


@stack.command("describe")
def describe(
    name: ActiveOrStackName = None, as_of: AsOf = None, output: Output = Format.TABLE
) -> None:
    """Show all details of a stack."""
    show.stack(name, output, as_of)


@stack.command("get")
def get(as_of: AsOf = None, output: Output = Format.TABLE) -> None:
    """Print the name of the active stack; as JSON or YAML, all details."""
    show.active_stack(output, as_of)


# -- commands


@stack.command("register", ComposingCommand)
def register(
    context: typer.Context,
    name: Name,
    orchestrator: Orchestrator = None,
    artifact_store: ArtifactStore = None,
    container_registry: ContainerRegistry = None,
    step_operator: StepOperators = None,
    experiment_tracker: ExperimentTrackers = None,
    model_deployer: ModelDeployer = None,
    model_registry: ModelRegistry = None,
    feature_store: FeatureStore = None,
    alerter: Alerters = None,
    annotator: Annotator = None,
    data_validator: DataValidators = None,
    image_builder: ImageBuilder = None,
    activate: Annotated[bool, typer.Option("--set", help="Also activate the stack.")] = False,
    description: Description = None,
    label: SetLabels = None,
    message: Message = "",
) -> None:
    """Compose a stack from registered components."""
    with Workspace.open() as workspace:
        view = workspace.stacks.register(
            name,
            description=description or "",
            labels=parse_pairs("--label", label),
            activate=activate,
            why=message,
            **component_options(context),
        )
        echo(f"stack {view.name!r} registered, revision {view.revision}")
        if activate:
            _echo_active(workspace, view.name, view.revision)


@stack.command("update", ComposingCommand)
def update(
    context: typer.Context,
    name: ActiveOrStackName = None,
    orchestrator: Orchestrator = None,
    artifact_store: ArtifactStore = None,
    container_registry: ContainerRegistry = None,
    step_operator: StepOperators = None,
    experiment_tracker: ExperimentTrackers = None,
    model_deployer: ModelDeployer = None,
    model_registry: ModelRegistry = None,
    feature_store: FeatureStore = None,
    alerter: Alerters = None,
    annotator: Annotator = None,
    data_validator: DataValidators = None,
    image_builder: ImageBuilder = None,
    add: Annotated[
        bool,
        typer.Option(
            "--add",
            help="Add step operators, experiment trackers, alerters and data validators instead of "
            "replacing the existing ones.",
        ),
    ] = False,
    description: Description = None,
    label: SetLabels = None,
    remove_label: RemoveLabels = None,
    expected_revision: ExpectedRevision = None,
    message: Message = "",
) -> None:
    """Replace the components of the given types; others are unchanged."""
    with Workspace.open() as workspace:
        view = workspace.stacks.update(
            name,
            description=description,
            labels=label_changes(label, remove_label),
            add=add,
            why=message,
            expected_revision=expected_revision,
            **component_options(context),
        )
    echo(f"stack {view.name!r} updated, revision {view.revision}")


@stack.command("remove-component", RemovingCommand)
def remove_component(
    context: typer.Context,
    name: ActiveOrStackName = None,
    container_registry: NoContainerRegistry = False,
    step_operator: NoStepOperator = False,
    experiment_tracker: NoExperimentTracker = False,
    model_deployer: NoModelDeployer = False,
    model_registry: NoModelRegistry = False,
    feature_store: NoFeatureStore = False,
    alerter: NoAlerter = False,
    annotator: NoAnnotator = False,
    data_validator: NoDataValidator = False,
    image_builder: NoImageBuilder = False,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="NAME",
            show_default=False,
            help="Remove only the component of this name; repeatable, with one type.",
        ),
    ] = None,
    expected_revision: ExpectedRevision = None,
    message: Message = "",
) -> None:
    """Remove all components of the given types, or with --only those named.

    For example `remove-component prod --step-operator --only gpu` keeps other step operators.
    """
    types = list(component_options(context))
    if not types:
        raise WrongUsage(
            "no type given: give the types to remove, such as --container-registry", context
        )
    if only and len(types) > 1:
        raise WrongUsage("--only requires a single type: use one command per type", context)
    with Workspace.open() as workspace:
        removed = dict.fromkeys(types, only or ())
        view = workspace.stacks.remove_components(
            name, removed, why=message, expected_revision=expected_revision
        )
    echo(f"stack {view.name!r} updated, revision {view.revision}")


@stack.command("set-default", DefaultingCommand)
def set_default(
    context: typer.Context,
    name: ActiveOrStackName = None,
    step_operator: DefaultStepOperator = None,
    experiment_tracker: DefaultExperimentTracker = None,
    alerter: DefaultAlerter = None,
    data_validator: DefaultDataValidator = None,
    expected_revision: ExpectedRevision = None,
    message: Message = "",
) -> None:
    """Set the default among several components of a type."""
    defaults = component_options(context)
    if not defaults:
        raise WrongUsage(
            "no type given: give --step-operator, --experiment-tracker, --alerter or "
            "--data-validator",
            context,
        )
    with Workspace.open() as workspace:
        view = workspace.stacks.set_default(
            name, defaults, why=message, expected_revision=expected_revision
        )
    echo(f"stack {view.name!r} updated, revision {view.revision}")


names.declare_on(stack)


@stack.command("set")
def set_active(
    name: StackName, expected_position: ExpectedPosition = None, message: Message = ""
) -> None:
    """Activate a stack: in this project, or globally outside of projects.

    The NAME - stands for the previously active stack.
    """
    with Workspace.open() as workspace:
        view = workspace.stacks.activate(name, why=message, expected_position=expected_position)
        _echo_active(workspace, view.name, view.revision)


def _echo_active(workspace: Workspace, name: str, revision: int) -> None:
    status = workspace.status()
    where = " in this project" if status.project else ""
    echo(f"stack {name!r} activated{where}, revision {revision}")
    if status.chosen_by == "environment":
        override = os.environ["STACKFOLD_ACTIVE_STACK"]
        note(f"STACKFOLD_ACTIVE_STACK still makes {override!r} active here")


@stack.command("check")
def check(
    name: ActiveOrStackName = None,
    connect: Annotated[
        bool,
        typer.Option(
            "--connect",
            help="Also connect to the servers, buckets and registries of the components, with the "
            "configured credentials.",
        ),
    ] = False,
    output: Output = Format.TABLE,
) -> None:
    """Check that a stack can be used, and show how to fix what prevents it.

    Connects to nothing without --connect. The exit code is 1 if there is a problem.
    """
    with Workspace.open() as workspace:
        view = workspace.stacks.get(name)
        found = workspace.stacks.check(view.id, connect)
    if found or output != Format.TABLE:
        fields = ("problem", "fix")
        show_rows([each._asdict() for each in found], Shape(fields, fields, fields), output)
    if found:
        raise typer.Exit(1)
    report = echo if output == Format.TABLE else note
    report(f"stack {view.name!r} is ready, revision {view.revision}")


past.declare_on(stack)
exchange.declare_on(stack)
