"""`stackfold deployment`: serve models, look how they are, ask for predictions."""

import sys
from math import isfinite
from pathlib import Path
from typing import Annotated, Any

import typer

from stackfold.application.deployments.deployment_views import DeploymentView
from stackfold.cli import completion, show
from stackfold.cli.escapes import json_text, shown_log
from stackfold.cli.options import (
    AsOf,
    Columns,
    Limit,
    Message,
    Name,
    Output,
    Page,
    Size,
    SortBy,
    Yes,
    chosen,
    confirm,
    listing,
    matching,
)
from stackfold.cli.render import Format, note, say, warnings_as_notes
from stackfold.cli.typer_ext import Noun, WrongUsage
from stackfold.domain.limits import INPUTS
from stackfold.infrastructure.files.input_file import read_bytes, read_stdin_bytes
from stackfold.infrastructure.workspace import Workspace

deployment = Noun("deployment", "Serve models, look how they are, ask for predictions.")

DeploymentName = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="The deployment: its name, its id, or a unique beginning of either.",
        autocompletion=completion.deployments,
    ),
]


@deployment.command("deploy")
def deploy(
    name: Name,
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="PIPELINE/STEP/OUTPUT, which is its latest version, with @VERSION or @RUN for "
            "another; or its id. OUTPUT may be left out if the step has one.",
            autocompletion=completion.artifacts,
        ),
    ],
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
            help="Print what would make a Kubernetes cluster serve it, as YAML; start nothing.",
        ),
    ] = False,
    message: Message = "",
) -> None:
    """Serve a model by the model deployer of a stack, and return once it predicts."""
    with Workspace.open() as workspace, warnings_as_notes():
        if dry_run:
            sys.stdout.write(workspace.deployments.manifest(name, model, stack))
            return
        trust = workspace.artifact_queries.describe_artifact(model).trust
        if trust:
            note(trust)
        _say_served(workspace.deployments.deploy(name, model, stack, why=message))


@deployment.command("list")
def list_deployments(
    id: Annotated[str | None, matching("id")] = None,
    name: Annotated[str | None, matching("name")] = None,
    model: Annotated[str | None, matching("model")] = None,
    stack: Annotated[str | None, matching("stack")] = None,
    stack_revision: Annotated[str | None, matching("stack_revision")] = None,
    deployer: Annotated[str | None, matching("deployer")] = None,
    flavor: Annotated[str | None, matching("flavor")] = None,
    created: Annotated[str | None, matching("created")] = None,
    updated: Annotated[str | None, matching("updated")] = None,
    by: Annotated[str | None, matching("by")] = None,
    as_of: AsOf = None,
    sort_by: SortBy = "asc:name",
    page: Page = 1,
    size: Size = show.PAGE,
    columns: Columns = None,
    output: Output = Format.TABLE,
) -> None:
    """List deployments, and ask the server of each how it is.

    The status is ready, starting, down or elsewhere for one that was started; or failed, stopped,
    unfinished, unknown. With --as-of it is what was recorded by then.

    A VALUE must be equal; or write contains:, startswith:, endswith: or oneof:A,B,... before it.
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
    show.deployments(output, wanted, chosen(columns), as_of)


@deployment.command("describe")
def describe(name: DeploymentName, as_of: AsOf = None, output: Output = Format.TABLE) -> None:
    """Show everything about a deployment: how it is, what it serves, and what serves it."""
    show.deployment(name, output, as_of)


@deployment.command("predict")
def predict(
    context: typer.Context,
    name: DeploymentName,
    given: Annotated[
        str | None,
        typer.Argument(
            metavar="[INPUT]",
            help="JSON: rows such as [[5.1, 3.5]], or a whole request of the Open Inference "
            "Protocol; - reads it from standard input.",
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
    """Ask a deployment for a prediction, and print it as JSON; NaN as null."""
    if (given is None) == (input_file is None):
        raise WrongUsage("give INPUT, - for standard input, or --input-file", context)
    inputs = _input(given, input_file)
    with Workspace.open() as workspace:
        found = workspace.deployments.predict(name, inputs)
    say(json_text(_without_nan(found)))


@deployment.command("logs")
def logs(
    name: DeploymentName,
    follow: Annotated[
        bool,
        typer.Option("--follow", "-f", help="Go on with what it writes, until it is stopped."),
    ] = False,
) -> None:
    """Print what the server of a deployment has written."""
    silent = True
    with Workspace.open() as workspace:
        for text in shown_log(workspace.deployments.logs(name, follow=follow)):
            sys.stdout.write(text)
            sys.stdout.flush()
            silent = silent and not text
    if silent:
        note("nothing was written")


@deployment.command("start")
def start(name: DeploymentName, message: Message = "") -> None:
    """Serve again what was stopped, failed, is down or was never finished.

    It serves the same model by the same model deployer, configured as it was then.
    """
    with Workspace.open() as workspace, warnings_as_notes():
        _say_served(workspace.deployments.start(name, why=message))


@deployment.command("stop")
def stop(name: DeploymentName, message: Message = "") -> None:
    """End the server of a deployment; it can be started again."""
    with Workspace.open() as workspace:
        view = workspace.deployments.stop(name, why=message)
    say(f"deployment {view.name!r} stopped, revision {view.revision}")


@deployment.command("delete")
def delete(
    name: DeploymentName,
    forget: Annotated[
        bool,
        typer.Option(
            "--forget",
            help="Only forget it, if its server or its model deployer is lost: what may still "
            "serve it, and what was kept for it, is left alone.",
        ),
    ] = False,
    yes: Yes = False,
    message: Message = "",
) -> None:
    """End the server of a deployment, and remove all that was kept for it.

    On a terminal it asks first; elsewhere it needs --yes.
    """
    with Workspace.open() as workspace:
        found = workspace.deployment_queries.find_deployment(name)
        confirm(f"deployment {found.name!r}", yes)
        view = workspace.deployments.delete(found.id, forget=forget, why=message)
    say(f"deployment {view.name!r} deleted, revision {view.revision + 1}")


@deployment.command("history")
def history(
    name: DeploymentName,
    limit: Limit = None,
    columns: Columns = None,
    output: Output = Format.TABLE,
) -> None:
    """Show what was done to a deployment, newest first; one that was deleted has a history, too."""
    show.deployment_history(name, output, limit, chosen(columns))


# -- how it is done


def _say_served(view: DeploymentView) -> None:
    on = f"on stack {view.stack!r}, revision {view.stack_revision}"
    say(f"deployment {view.name!r} serves {view.model} {on}")
    say(f"predictions at {view.url}")


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
