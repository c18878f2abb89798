"""Operations: deployments."""

from stackfold.application.deployments.deployment_views import (
    DeploymentDescription,
    DeploymentView,
)
from stackfold.application.history.views import HistoryEntry
from stackfold.web.api.listings import listing
from stackfold.web.api.operations import Call, Limit, Operations, Page, PageNumber, Past, Text

DEPLOYMENTS = Operations("deployments")


@DEPLOYMENTS.get("/deployments")
def list_deployments(
    call: Call,
    *,
    name: str | None = None,
    model: str | None = None,
    stack: str | None = None,
    sort: str = "name",
    as_of: Past = None,
    page: PageNumber = 1,
    limit: Limit = 100,
) -> Page[DeploymentView]:
    """List deployments, with the status that is recorded; no server is contacted.

    Args:
        name: Only the deployment of this name.
        model: Only deployments of this artifact, as `pipeline/step/output@version`.
        stack: Only those of a stack that had this name then.
        sort: The field to sort by, after `-` for descending order.
    """
    return call.page(
        as_of,
        page,
        limit,
        lambda at, number, size: call.workspace.deployments.list(
            listing(sort, number, size, name=name, model=model, stack=stack), at, contact=False
        ),
    )


@DEPLOYMENTS.get("/deployments/{deployment}")
def get_deployment(
    call: Call, *, deployment: str, as_of: Past = None, contact: bool = False
) -> DeploymentDescription:
    """Get a deployment with its model and model deployer.

    Args:
        deployment: The name, the id, or a unique prefix of either.
        contact: Whether to ask its server for the current status, without `as_of`; otherwise the
            status is the recorded one.
    """
    recorded = None if contact else f"#{call.head}"
    return call.workspace.deployments.describe(deployment, as_of or recorded)


@DEPLOYMENTS.get("/deployments/{deployment}/history")
def get_deployment_history(
    call: Call, *, deployment: str, as_of: Past = None, limit: Limit = 100
) -> list[HistoryEntry]:
    """Get the changes of a deployment, newest first.

    Args:
        deployment: The name or id; it may have been deleted.
        as_of: Only changes up to this point.
        limit: The most entries.
    """
    return [*call.workspace.deployments.history(deployment, limit, as_of=as_of)]


@DEPLOYMENTS.get("/deployments/{deployment}/logs")
def get_deployment_logs(call: Call, *, deployment: str) -> Text:
    """Get what the server of a deployment has written.

    Args:
        deployment: The name, the id, or a unique prefix of either.
    """
    return Text(call.workspace.deployments.logs(deployment))
