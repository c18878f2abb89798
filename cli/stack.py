"""`stackfold stack`: compose, look up, change and activate stacks."""

from typing import Annotated

import typer

from stackfold.application.listing.listing import Condition, Listing
from stackfold.cli import history as past
from stackfold.cli import import_export as exchange
from stackfold.cli import show
from stackfold.cli.component_options import (
    Alerters,
    Annotator,
    ArtifactStore,
    ContainerRegistry,
    DataValidator,
    DefaultAlerter,
    DefaultExperimentTracker,
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
    StepOperators,
    given,
)
from stackfold.cli.options import (
    ActiveOrStackName,
    AsOf,
    Columns,
    Message,
    Name,
    NewName,
    OnlyLabels,
    Output,
    Page,
    RemoveLabels,
    SetLabels,
    Size,
    SortBy,
    StackName,
    Yes,
    chosen,
    confirm,
    label_changes,
    listing,
    matching,
    pairs,
)
from stackfold.cli.render import Format, Shape, note, say, show_rows
from stackfold.cli.typer_ext import Noun, WrongUsage
from stackfold.infrastructure.workspace import Workspace

stack = Noun("stack", "Compose, look up, change and activate stacks.")

Description = Annotated[
    str | None,
    typer.Option("--description", metavar="TEXT", show_default=False, help="What it is for."),
]


# -- look up


@stack.command("list")
def list_stacks(
    id: Annotated[str | None, matching("id")] = None,
    name: Annotated[str | None, matching("name")] = None,
    revision: Annotated[str | None, matching("revision")] = None,
    description: Annotated[str | None, matching("description")] = None,
    created: Annotated[str | None, matching("created")] = None,
    updated: Annotated[str | None, matching("updated")] = None,
    by: Annotated[str | None, matching("by")] = None,
    label: OnlyLabels = None,
    sort_by: SortBy = "name",
    page: Page = 1,
    size: Size = show.PAGE,
    columns: Columns = None,
    as_of: AsOf = None,
    output: Output = Format.TABLE,
) -> None:
    """List stacks.

    A VALUE must be equal; or write contains:, startswith:, endswith: or oneof:A,B,... before it.
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
    show.stacks(output, listing(filters, label, sort_by, page, size), chosen(columns), as_of)


@stack.command("describe")
def describe(
    name: ActiveOrStackName = None, as_of: AsOf = None, output: Output = Format.TABLE
) -> None:
    """Show everything about a stack."""
    show.stack(name, output, as_of)


@stack.command("get")
def get(as_of: AsOf = None, output: Output = Format.TABLE) -> None:
    """Print the name of the active stack; with --output json or yaml, all of it."""
    show.active_stack(output, as_of)


# -- change


@stack.command("register")
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
    data_validator: DataValidator = None,
    image_builder: ImageBuilder = None,
    activate: Annotated[bool, typer.Option("--set", help="Make it the active stack too.")] = False,
    description: Description = None,
    label: SetLabels = None,
    message: Message = "",
) -> None:
    """Compose a stack from registered components."""
    with Workspace.open() as workspace:
        view = workspace.stacks.register(
            name,
            description=description or "",
            labels=pairs("--label", label),
            activate=activate,
            why=message,
            **given(context),
        )
        say(f"stack {view.name!r} registered, revision {view.revision}")
        if activate:
            _say_active(workspace, view.name, view.revision)


@stack.command("update")
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
    data_validator: DataValidator = None,
    image_builder: ImageBuilder = None,
    add: Annotated[
        bool,
        typer.Option(
            "--add",
            help="Add step operators, experiment trackers and alerters to those that are there, "
            "instead of replacing them.",
        ),
    ] = False,
    description: Description = None,
    label: SetLabels = None,
    remove_label: RemoveLabels = None,
    message: Message = "",
) -> None:
    """Take other components for the given types; the others stay."""
    with Workspace.open() as workspace:
        view = workspace.stacks.update(
            name,
            description=description,
            labels=label_changes(label, remove_label),
            add=add,
            why=message,
            **given(context),
        )
    say(f"stack {view.name!r} updated, revision {view.revision}")


@stack.command("remove-component")
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
            help="Of the one type given, remove only the component of this name; repeatable.",
        ),
    ] = None,
    message: Message = "",
) -> None:
    """Take components out of a stack: of each type given all, or with --only those named.

    For example `remove-component prod --step-operator --only gpu` keeps the other step operators.
    """
    types = list(given(context))
    if not types:
        raise WrongUsage("say what to remove, such as --container-registry", context)
    if only and len(types) > 1:
        raise WrongUsage("--only goes with one type: give the types in separate commands", context)
    with Workspace.open() as workspace:
        view = workspace.stacks.remove_components(
            name, dict.fromkeys(types, only or ()), why=message
        )
    say(f"stack {view.name!r} updated, revision {view.revision}")


@stack.command("set-default")
def set_default(
    context: typer.Context,
    name: ActiveOrStackName = None,
    step_operator: DefaultStepOperator = None,
    experiment_tracker: DefaultExperimentTracker = None,
    alerter: DefaultAlerter = None,
    message: Message = "",
) -> None:
    """Choose which of several components of a type a stack uses by default."""
    defaults = given(context)
    if not defaults:
        raise WrongUsage("say which: --step-operator, --experiment-tracker or --alerter", context)
    with Workspace.open() as workspace:
        view = workspace.stacks.set_default(name, defaults, why=message)
    say(f"stack {view.name!r} updated, revision {view.revision}")


@stack.command("rename")
def rename(name: StackName, new_name: NewName, message: Message = "") -> None:
    """Give a stack another name; if it is active, it stays so."""
    with Workspace.open() as workspace:
        old = workspace.queries.find_stack(name)
        view = workspace.stacks.rename(old.id, new_name, why=message)
    say(f"stack {old.name!r} renamed to {view.name!r}, revision {view.revision}")


@stack.command("copy")
def copy(name: StackName, new_name: NewName, message: Message = "") -> None:
    """Register a stack like another one, labels and all, under a new name."""
    with Workspace.open() as workspace:
        old = workspace.queries.find_stack(name)
        view = workspace.stacks.copy(old.id, new_name, why=message)
    say(f"stack {old.name!r} copied to {view.name!r}, revision {view.revision}")


@stack.command("delete")
def delete(
    name: StackName,
    recursive: Annotated[
        bool,
        typer.Option(
            "--recursive", "-r", help="Delete its components too, those that no other stack uses."
        ),
    ] = False,
    yes: Yes = False,
    message: Message = "",
) -> None:
    """Delete a stack. On a terminal it asks first; elsewhere it needs --yes."""
    with Workspace.open() as workspace:
        queries = workspace.queries
        old = queries.find_stack(name)
        held = queries.stack_components(old.id) if recursive else []
        confirm(f"stack {old.name!r}" + " and the components that only it uses" * recursive, yes)
        view = workspace.stacks.delete(old.id, recursive=recursive, why=message)
        left = queries.existing("components", [each.id for each in held])
        of_it = Listing(where=(Condition("stack_id", "equals", old.id),))
        deployments = workspace.deployment_queries.deployments(of_it)
    say(f"stack {view.name!r} deleted, revision {view.revision + 1}")
    if deployments:
        names = ", ".join(repr(each.name) for each in deployments)
        note(f"what was deployed on it goes on, as it keeps what it needs: {names}")
    for each in held:
        if each.id not in left:
            noun = each.type.replace("_", " ")
            say(f"{noun} {each.name!r} deleted, revision {each.revision + 1}")


@stack.command("set")
def set_active(name: StackName, message: Message = "") -> None:
    """Make a stack the active one: of this project, or outside of projects everywhere.

    The NAME - stands for the stack that was active before.
    """
    with Workspace.open() as workspace:
        view = workspace.stacks.activate(name, why=message)
        _say_active(workspace, view.name, view.revision)


@stack.command("activate")
def activate(name: StackName, message: Message = "") -> None:
    """Do the same as `set`."""
    set_active(name, message)


def _say_active(workspace: Workspace, name: str, revision: int) -> None:
    where = " in this project" if workspace.scope.project else ""
    say(f"stack {name!r} activated{where}, revision {revision}")
    if workspace.scope.override:
        note(f"STACKFOLD_ACTIVE_STACK still makes {workspace.scope.override!r} active here")


@stack.command("check")
def check(
    name: ActiveOrStackName = None,
    connect: Annotated[
        bool,
        typer.Option(
            "--connect",
            help="Also ask the servers, buckets and registries that the stack's components use "
            "whether they can be used, with the configured credentials.",
        ),
    ] = False,
    output: Output = Format.TABLE,
) -> None:
    """Tell what keeps a stack from working here and now, and what fixes it; changes nothing.

    Without --connect nothing is contacted. The exit code is 1 if there is something.
    """
    with Workspace.open() as workspace:
        view = workspace.stacks.get(name)
        found = workspace.stacks.check(view.id, connect)
    if found or output != Format.TABLE:
        fields = ("problem", "fix")
        show_rows([each._asdict() for each in found], Shape(fields, fields, fields), output)
    if found:
        raise typer.Exit(1)
    tell = say if output == Format.TABLE else note
    tell(f"stack {view.name!r} can work, revision {view.revision}")


past.declare_on(stack)
exchange.declare_on(stack)
