"""Updates deployments after a promotion, if they follow the alias."""

from stackfold.cli.progress_bar import waiting
from stackfold.cli.render import echo, note
from stackfold.infrastructure.workspace import Workspace


def update_followers(workspace: Workspace, model: str | None = None) -> None:
    """Update the deployments of this machine that follow an alias, and print what became of them.

    Args:
        workspace: The workspace.
        model: Only those that follow an alias of this model; None for all.
    """
    with waiting("updating deployments that follow, until the new servers are ready"):
        found = workspace.deployments.catch_up(model)
    for each in found:
        if each.outcome == "updated":
            echo(f"deployment {each.deployment!r} follows: it serves {each.version}")
        else:
            problem = f": {each.problem}" if each.problem else ""
            note(
                f"deployment {each.deployment!r} was not updated to {each.version}, as it is "
                f"{each.outcome}{problem}"
            )
