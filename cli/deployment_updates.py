"""`stackfold deployment update` and its like: serve other models at the same address."""

import sys
from typing import Annotated

import typer

from stackfold.cli import completion
from stackfold.cli.deployment_options import (
    DeploymentName,
    FromStack,
    Model,
    deployment,
    echo_served,
    note_trust,
)
from stackfold.cli.options import ExpectedRevision, Message
from stackfold.cli.progress_bar import waiting
from stackfold.cli.render import echo, warnings_as_notes
from stackfold.domain.errors import InvalidTraffic
from stackfold.infrastructure.workspace import Workspace


@deployment.command("update")
def update(
    name: DeploymentName,
    model: Model,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Print the Kubernetes manifest of the new model as YAML without updating it.",
        ),
    ] = False,
    from_stack: FromStack = None,
    expected_revision: ExpectedRevision = None,
    message: Message = "",
) -> None:
    """Serve another model at the same address, without an interruption.

    The new server is ready before requests reach it, and the former one finishes its requests. If
    the new one does not become ready, the former one keeps serving.
    """
    with Workspace.open() as workspace, warnings_as_notes():
        if dry_run:
            sys.stdout.write(workspace.deployments.update_manifest(name, model))
            return
        note_trust(workspace, model)
        with waiting(f"updating {name}, until the new server is ready"):
            served = workspace.deployments.update(
                name,
                model,
                why=message,
                from_stack=from_stack,
                expected_revision=expected_revision,
            )
        echo_served(served)


@deployment.command("traffic")
def traffic(
    name: DeploymentName,
    shares: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL=PERCENT...",
            help="A model and its share of the requests, such as fraud@7=90; the sum is 100.",
        ),
    ],
    from_stack: FromStack = None,
    expected_revision: ExpectedRevision = None,
    message: Message = "",
) -> None:
    """Serve several models at the same address, each with a share of the requests.

    Responses name the model that answered in the header Stackfold-Model.
    """
    wanted = _shares(shares)
    with Workspace.open() as workspace, warnings_as_notes():
        for model in wanted:
            note_trust(workspace, model)
        with waiting(f"updating {name}, until the new servers are ready"):
            served = workspace.deployments.traffic(
                name,
                wanted,
                why=message,
                from_stack=from_stack,
                expected_revision=expected_revision,
            )
        echo_served(served)


@deployment.command("follow")
def follow(
    name: DeploymentName,
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL@ALIAS",
            help="A model and a stage or another alias, such as fraud@production.",
            autocompletion=completion.models,
        ),
    ],
    message: Message = "",
) -> None:
    """Serve the version that an alias of a model stands for, now and after each promotion."""
    model, _, alias = model.partition("@")
    with Workspace.open() as workspace, warnings_as_notes():
        with waiting(f"updating {name}, until the new server is ready"):
            view = workspace.deployments.follow(name, model, alias or "production", why=message)
        echo(f"deployment {view.name!r} follows {view.follows}, revision {view.revision}")
        echo_served(view)


@deployment.command("unfollow")
def unfollow(
    name: DeploymentName, expected_revision: ExpectedRevision = None, message: Message = ""
) -> None:
    """Follow no alias any longer; what is served stays."""
    with Workspace.open() as workspace:
        view = workspace.deployments.unfollow(
            name, why=message, expected_revision=expected_revision
        )
    echo(f"deployment {view.name!r} follows no alias, revision {view.revision}")


@deployment.command("rollback")
def rollback(
    name: DeploymentName, expected_revision: ExpectedRevision = None, message: Message = ""
) -> None:
    """Serve the model that was served before; repeat it to go back further."""
    with Workspace.open() as workspace, warnings_as_notes():
        with waiting(f"rolling {name} back, until the server is ready"):
            served = workspace.deployments.rollback(
                name, why=message, expected_revision=expected_revision
            )
        echo_served(served)


def _shares(given: list[str]) -> dict[str, int]:
    shares: dict[str, int] = {}
    for each in given:
        model, separator, share = each.rpartition("=")
        digits = share.removesuffix("%")
        if not separator or not digits.isdecimal() or len(digits) > len("100"):
            raise InvalidTraffic(f"{each!r} is not MODEL=PERCENT, such as fraud@7=90")
        if model in shares:
            raise InvalidTraffic(f"{model} has two shares")
        shares[model] = int(digits)
    return shares
