"""The current state of the servers of deployments."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from stackfold.application.deployments.deployment_views import OPEN, DeploymentView
from stackfold.domain.errors import StackfoldError
from stackfold.infrastructure.workspace import Workspace
from stackfold.web.pages.limited import SECONDS, answers


class Health(NamedTuple):
    """The state of a deployment's server."""

    status: str
    """"ready", "starting", "down", "elsewhere" or "unknown"; empty if nothing should be served."""
    problem: str
    """Why it is down, or why its state is not known; else empty."""


SILENT = Health("unknown", f"it did not answer within {SECONDS:g} s")
NOT_SERVED = Health("", "")


def health(workspace: Workspace, deployments: Sequence[DeploymentView]) -> Mapping[str, Health]:
    """The states of servers, by the ids of their deployments.

    Args:
        workspace: Has the deployments.
        deployments: The deployments, with their recorded statuses.
    """
    asked = [each.id for each in deployments if each.status in OPEN]
    found = answers({id: question(workspace, id) for id in asked})
    return {id: found.get(id, SILENT) for id in asked}


def question(workspace: Workspace, id: str) -> Callable[[], Health]:
    """The function that asks for the state of a deployment's server."""
    return partial(_asked, workspace, id)


def _asked(workspace: Workspace, id: str) -> Health:
    try:
        described = workspace.deployments.describe(id)
    except StackfoldError as error:
        return Health("unknown", str(error))
    except Exception as error:  # of a custom flavor, or of a workspace that was closed meanwhile
        return Health("unknown", f"unexpected {type(error).__name__}")
    return Health(described.status, described.problem)
