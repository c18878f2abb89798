"""`stackfold deployment record` and its like: what models were asked, and whether that drifts."""

from typing import Annotated

import typer

from stackfold.cli import completion
from stackfold.cli.deployment_options import DeploymentName, deployment
from stackfold.cli.options import Columns, ExpectedRevision, Message, Output, parse_columns
from stackfold.cli.render import Format, Shape, echo, note, show_one, show_rows, warnings_as_notes
from stackfold.infrastructure.workspace import Workspace

_FIELDS = ("at", "model", "status", "ms", "rows", "problem")
_REQUESTS = Shape(_FIELDS, _FIELDS, ("at", "model", "status", "ms", "rows"))
_COLLECTED = ("deployment", "moved", "deleted", "problem")
_DRIFT = ("deployment", "baseline", "rows", "drifted", "summary", "alerted")

Since = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="TIME",
        show_default=False,
        help="Only requests from this time on: an age such as 2h or 3 days ago, or an RFC 3339 "
        "time.",
    ),
]


@deployment.command("record")
def record(
    name: DeploymentName,
    rate: Annotated[
        float, typer.Option("--rate", metavar="SHARE", help="The share of the requests, up to 1.")
    ] = 1.0,
    leave_out: Annotated[
        list[str] | None,
        typer.Option(
            "--leave-out",
            metavar="FIELD",
            show_default=False,
            help="A column, or a field of objects, that is never written; repeat it for more.",
        ),
    ] = None,
    keep_days: Annotated[
        int, typer.Option("--keep-days", metavar="DAYS", help="The days that requests are kept.")
    ] = 30,
    off: Annotated[bool, typer.Option("--off", help="Record no further requests.")] = False,
    expected_revision: ExpectedRevision = None,
    message: Message = "",
) -> None:
    """Record requests and predictions in the artifact store, from now on.

    The columns of rows without names are input_0, input_1 and so on, the predictions prediction.
    """
    with Workspace.open() as workspace:
        if off:
            view = workspace.deployments.stop_recording(
                name, message, expected_revision=expected_revision
            )
            echo(f"deployment {view.name!r} records no requests, revision {view.revision}")
            return
        view = workspace.deployments.record(
            name,
            rate=rate,
            leave_out=leave_out or (),
            keep_days=keep_days,
            why=message,
            expected_revision=expected_revision,
        )
        recording = workspace.deployments.describe(view.id).recording
    echo(f"deployment {view.name!r} records {recording}, revision {view.revision}")


@deployment.command("requests")
def requests(
    name: DeploymentName,
    since: Since = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, metavar="N", help="The most requests to show.")
    ] = 20,
    save: Annotated[
        str | None,
        typer.Option(
            "--save",
            metavar="ARTIFACT",
            show_default=False,
            help="Save all rows since then as a new version of this artifact instead.",
        ),
    ] = None,
    columns: Columns = None,
    output: Output = Format.TABLE,
    message: Message = "",
) -> None:
    """Show recorded requests with their predictions, the newest first, or save them."""
    with Workspace.open() as workspace, warnings_as_notes():
        if save is not None:
            saved = workspace.deployments.save_requests(name, save, since=since, why=message)
            echo(f"saved as {saved.reference}")
            return
        found = workspace.deployments.requests(name, since, limit)
    show_rows([each._asdict() for each in found], _REQUESTS, output, parse_columns(columns))
    if not found:
        note("no request was recorded")


@deployment.command("collect")
def collect(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            show_default=False,
            help="Name or id of the deployment, or a unique prefix of either; by default all.",
            autocompletion=completion.deployments,
        ),
    ] = None,
    output: Output = Format.TABLE,
) -> None:
    """Move recorded requests to the artifact store, and delete those that are too old.

    Recorders do so every five minutes; only a store that needs secrets of the environment needs it.
    """
    with Workspace.open() as workspace:
        found = workspace.deployments.collect(name)
    shape = Shape(_COLLECTED, _COLLECTED, _COLLECTED)
    show_rows([each._asdict() for each in found], shape, output)
    if any(each.problem for each in found):
        raise typer.Exit(1)


@deployment.command("drift")
def drift(
    name: DeploymentName,
    reference: Annotated[
        str,
        typer.Option(
            "--reference",
            metavar="ARTIFACT",
            help="The data set to compare with, such as dataset@approved.",
            autocompletion=completion.artifacts,
        ),
    ],
    since: Since = None,
    target: Annotated[
        str,
        typer.Option(
            "--target",
            metavar="COLUMN",
            show_default=False,
            help="The column of the data set with the true values.",
        ),
    ] = "",
    column: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            metavar="COLUMN",
            show_default=False,
            help="A column to compare; repeat it for more. By default all that both have.",
        ),
    ] = None,
    stack: Annotated[
        str | None,
        typer.Option(
            "--stack",
            "-s",
            metavar="NAME",
            show_default=False,
            help="The stack whose data validator compares; by default the active one.",
            autocompletion=completion.stacks,
        ),
    ] = None,
    output: Output = Format.TABLE,
) -> None:
    """Compare recorded requests with a data set; exits with 1 if they have drifted.

    The stack's data validator compares, and its alerter posts an alert of a drift.
    """
    with Workspace.open() as workspace, warnings_as_notes():
        found = workspace.deployments.drift(
            name, reference, since=since, target=target, columns=column or (), stack=stack
        )
    show_one({each: getattr(found, each) for each in _DRIFT}, _DRIFT, output)
    if found.drifted:
        raise typer.Exit(1)
