"""What the commands of `stackfold deployment` share."""

from typing import Annotated

import typer

from stackfold.application.deployments.deployment_views import DeploymentView
from stackfold.cli import completion
from stackfold.cli.render import echo, note
from stackfold.cli.typer_ext import Noun
from stackfold.infrastructure.workspace import Workspace

deployment = Noun("deployment", "Serve models, check their status, request predictions.")

DeploymentName = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="Name or id of the deployment, or a unique prefix of either.",
        autocompletion=completion.deployments,
    ),
]

Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="Its name or PIPELINE/STEP/OUTPUT for the latest version, with @VERSION, @LABEL "
        "or @RUN for another; or an id. OUTPUT may be omitted if the step has one output.",
        autocompletion=completion.artifacts,
    ),
]


def note_trust(workspace: Workspace, model: str) -> None:
    """Warn that loading a model may execute code."""
    if trust := workspace.artifacts.describe(model).trust:
        note(trust)


def echo_served(view: DeploymentView) -> None:
    """Print what a deployment serves, and where."""
    on = f"on stack {view.stack!r}, revision {view.stack_revision}"
    echo(f"deployment {view.name!r} serves {_served(view)} {on}")
    echo(f"predictions at {view.url}")


def _served(view: DeploymentView) -> str:
    if len(view.traffic) > 1:
        return ", ".join(f"{title} ({share}%)" for title, share in view.traffic.items())
    return f"{view.model} ({view.version})" if view.version else view.model


FromStack = Annotated[
    str | None,
    typer.Option(
        "--from-stack",
        metavar="NAME",
        show_default=False,
        help="Allow a model that was made on this stack and that no alias stands for.",
    ),
]
