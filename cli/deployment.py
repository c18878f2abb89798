"""`stackfold deployment`: serve models, check their status, request predictions."""

import sys
from math import isfinite
from pathlib import Path
from typing import Annotated, Any

import typer

from stackfold.cli import completion, show
from stackfold.cli import deployment_requests as _requests  # noqa: F401  # registers its commands
from stackfold.cli import deployment_updates as _  # noqa: F401  # registers its commands
from stackfold.cli.deployment_options import (
    DeploymentName,
    FromStack,
    Model,
    deployment,
    echo_served,
    note_trust,
)
from stackfold.cli.escapes import escaped_output, json_text
from stackfold.cli.followers import update_followers
from stackfold.cli.options import (
    AsOf,
    Columns,
    ExpectedRevision,
    Limit,
    Message,
    Name,
    Output,
    Page,
    Size,
    SortBy,
    Yes,
    confirm,
    filter_option,
    listing,
    parse_columns,
)
from stackfold.cli.progress_bar import waiting
from stackfold.cli.render import Format, echo, note, warnings_as_notes
from stackfold.cli.typer_ext import WrongUsage
from stackfold.domain.errors import StackfoldError
from stackfold.domain.limits import INPUTS
from stackfold.infrastructure.files.input_file import read_bytes, read_stdin_bytes
from stackfold.infrastructure.workspace import Workspace


@deployment.command("deploy")
def deploy(
    name: Name,
    model: Model,
    stack: Annotated[
        str | None,
        typer.Option(
            "--stack",
            metavar="NAME",
            show_default=False,
            help="The stack whose model deployer serves it; by default the active one.",
            autocompletion=completion.stacks,
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Print the Kubernetes manifest as YAML without deploying it.",
        ),
    ] = False,
    apply: Annotated[
        bool,
        typer.Option(
            "--apply",
            help="Serve it on the Kubernetes cluster of the model deployer: apply the manifest.",
        ),
    ] = False,
    follow: Annotated[
        str | None,
        typer.Option(
            "--follow",
            metavar="ALIAS",
            show_default=False,
            help="Serve the version that this stage or alias of the model stands for, from now on.",
        ),
    ] = None,
    record: Annotated[
        bool,
        typer.Option(
            "--record",
            help="Record all requests and predictions for 30 days; `record` takes a rate, fields "
            "to leave out and other days.",
        ),
    ] = False,
    from_stack: FromStack = None,
    message: Message = "",
) -> None:
    """Serve a model with a stack's model deployer, and wait until it is ready."""
    with Workspace.open() as workspace, warnings_as_notes():
        if dry_run:
            sys.stdout.write(
                workspace.deployments.manifest(name, model, stack, from_stack=from_stack)
            )
            return
        note_trust(workspace, model)
        with waiting(f"deploying {name}, until it is ready"):
            served = workspace.deployments.deploy(
                name,
                model,
                stack,
                message,
                follow=follow,
                from_stack=from_stack,
                apply=apply,
                record=record,
            )
        echo_served(served)


@deployment.command("list")
def list_deployments(
    id: Annotated[str | None, filter_option("id")] = None,
    name: Annotated[str | None, filter_option("name")] = None,
    model: Annotated[str | None, filter_option("model")] = None,
    stack: Annotated[str | None, filter_option("stack")] = None,
    stack_revision: Annotated[str | None, filter_option("stack_revision")] = None,
    deployer: Annotated[str | None, filter_option("deployer")] = None,
    flavor: Annotated[str | None, filter_option("flavor")] = None,
    created: Annotated[str | None, filter_option("created")] = None,
    updated: Annotated[str | None, filter_option("updated")] = None,
    by: Annotated[str | None, filter_option("by")] = None,
    as_of: AsOf = None,
    sort_by: SortBy = "asc:name",
    page: Page = 1,
    size: Size = show.PAGE,
    columns: Columns = None,
    output: Output = Format.TABLE,
) -> None:
    """List deployments with the live status of their servers.

    The status is ready, starting, down, elsewhere, failed, stopped, unfinished or unknown. With
    --as-of it is the status recorded at that point.

    A filter matches an equal value, or contains:TEXT, startswith:TEXT, endswith:TEXT, oneof:A,B,...
    """
    filters = {
        "id": id,
        "name": name,
        "model": model,
        "stack": stack,
        "stack_revision": stack_revision,
        "deployer": deployer,
        "flavor": flavor,
        "created": created,
        "updated": updated,
        "by": by,
    }
    wanted = listing(filters, None, sort_by, page, size)
    show.deployments(output, wanted, parse_columns(columns), as_of)


@deployment.command("describe")
def describe(name: DeploymentName, as_of: AsOf = None, output: Output = Format.TABLE) -> None:
    """Show all details of a deployment: its status, its model and its server."""
    show.deployment(name, output, as_of)


@deployment.command("predict")
def predict(
    context: typer.Context,
    name: DeploymentName,
    given: Annotated[
        str | None,
        typer.Argument(
            metavar="[INPUT]",
            help="Rows as JSON, such as [[5.1, 3.5]], or a request of the Open Inference Protocol; "
            "- reads it from stdin.",
            show_default=False,
        ),
    ] = None,
    input_file: Annotated[
        Path | None,
        typer.Option(
            "--input-file", metavar="FILE", show_default=False, help="Read the JSON from a file."
        ),
    ] = None,
) -> None:
    """Request a prediction, and print it as JSON with NaN as null."""
    if (given is None) == (input_file is None):
        raise WrongUsage("give INPUT, - for stdin, or --input-file", context)
    inputs = _input(given, input_file)
    with Workspace.open() as workspace:
        found = workspace.deployments.predict(name, inputs)
    echo(json_text(_without_nan(found)))


@deployment.command("logs")
def logs(
    name: DeploymentName,
    follow: Annotated[
        bool,
        typer.Option("--follow", "-f", help="Keep printing new output until interrupted."),
    ] = False,
) -> None:
    """Print the log of a deployment's server."""
    silent = True
    with Workspace.open() as workspace:
        for text in escaped_output(workspace.deployments.logs(name, follow=follow)):
            sys.stdout.write(text)
            sys.stdout.flush()
            silent = silent and not text
    if silent:
        note("the log is empty")


@deployment.command("start")
def start(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            show_default=False,
            help="Name or id of the deployment, or a unique prefix of either.",
            autocompletion=completion.deployments,
        ),
    ] = None,
    every: Annotated[
        bool,
        typer.Option(
            "--all", help="Start all that are down or unfinished, such as after a reboot."
        ),
    ] = False,
    expected_revision: ExpectedRevision = None,
    message: Message = "",
) -> None:
    """Start a deployment that is stopped, failed, down or unfinished.

    It serves the same models with the same model deployer, in the configuration recorded for it,
    at the same address if that is free. An update that was interrupted is finished.
    """
    if (name is None) != every:
        raise WrongUsage("give NAME, or --all", context)
    with Workspace.open() as workspace, warnings_as_notes():
        if name is None:
            _start_all(workspace, message)
            return
        with waiting(f"starting {name}, until it is ready"):
            served = workspace.deployments.start(
                name, why=message, expected_revision=expected_revision
            )
        echo_served(served)


def _start_all(workspace: Workspace, message: str) -> None:
    failed = False
    with waiting("looking for deployments that are down"):
        found = workspace.deployments.down()
    for each in found:
        try:
            with waiting(f"starting {each.name}, until it is ready"):
                served = workspace.deployments.start(each.id, why=message)
            echo_served(served)
        except StackfoldError as error:
            failed = True
            note(f"deployment {each.name!r} was not started: {error}")
    if not found:
        note("no deployment is down or unfinished")
    update_followers(workspace)
    if failed:
        raise typer.Exit(1)


@deployment.command("stop")
def stop(
    name: DeploymentName, expected_revision: ExpectedRevision = None, message: Message = ""
) -> None:
    """Stop the server of a deployment; `start` starts it again."""
    with Workspace.open() as workspace:
        view = workspace.deployments.stop(name, why=message, expected_revision=expected_revision)
    echo(f"deployment {view.name!r} stopped, revision {view.revision}")


@deployment.command("delete")
def delete(
    name: DeploymentName,
    forget: Annotated[
        bool,
        typer.Option(
            "--forget",
            help="Delete only the record, for a server or model deployer that is lost; a server "
            "that still runs and its files remain.",
        ),
    ] = False,
    expected_revision: ExpectedRevision = None,
    yes: Yes = False,
    message: Message = "",
) -> None:
    """Stop a deployment's server, and delete its record and its files.

    Asks for confirmation on a terminal; requires --yes elsewhere.
    """
    with Workspace.open() as workspace:
        found = workspace.deployments.find(name)
        confirm(f"deployment {found.name!r}", yes)
        view = workspace.deployments.delete(
            found.id, forget=forget, why=message, expected_revision=expected_revision
        )
    echo(f"deployment {view.name!r} deleted, revision {view.revision + 1}")


@deployment.command("history")
def history(
    name: DeploymentName,
    limit: Limit = None,
    columns: Columns = None,
    output: Output = Format.TABLE,
) -> None:
    """Show the history of a deployment, even if deleted; newest first."""
    show.deployment_history(name, output, limit, parse_columns(columns))


# -- helpers


def _without_nan(value: Any) -> Any:
    match value:
        case dict():
            return {name: _without_nan(each) for name, each in value.items()}
        case list():
            return [_without_nan(each) for each in value]
        case float() if not isfinite(value):
            return None
    return value


def _input(given: str | None, file: Path | None) -> str | bytes | None:
    if given == "-":
        return read_stdin_bytes(INPUTS)
    if file is None:
        return given
    return read_bytes(file, INPUTS)
