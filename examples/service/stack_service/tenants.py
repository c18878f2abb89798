"""The workspaces of the tenants, and who acts in them."""

import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import Annotated
from uuid import uuid4

from fastapi import Depends, FastAPI, Header, Request

from stack_service.activity import Activity
from stack_service.approvals import APPROVALS
from stackfold import Workspace
from stackfold.errors import NotFound


def opened(tenant: str) -> Workspace:
    """The workspace of a tenant: a folder, and on PostgreSQL also a schema."""
    store = os.environ.get("STACK_SERVICE_STORE")
    return Workspace.open(
        os.path.join(os.environ["STACK_SERVICE_HOME"], tenant),
        f"{store}?schema={tenant}" if store else None,
        actor="stack-service",
        aggregates=[APPROVALS],
        projections=[Activity()],
    )


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
    """Open the workspace of each tenant when a worker starts."""
    tenants = os.environ["STACK_SERVICE_TENANTS"].split()
    with ExitStack() as until_stopped:
        app.state.tenants = {each: until_stopped.enter_context(opened(each)) for each in tenants}
        yield


async def workspace(
    request: Request,
    tenant: str,
    x_user: Annotated[str, Header()],  # set by a proxy that authenticates users
    x_request_id: Annotated[str | None, Header()] = None,
) -> AsyncIterator[Workspace]:
    """The workspace of the tenant, with the user of the request as the actor."""
    found: Workspace | None = request.app.state.tenants.get(tenant)
    if found is None:
        raise NotFound("tenant", tenant)
    with found.acting_as(x_user, correlation_id=x_request_id or str(uuid4())):
        yield found


def expected_revision(
    if_match: Annotated[str | None, Header(pattern=r'^"\d+"$')] = None,
) -> int | None:
    """The revision that the user saw, from its ETag; None for any."""
    return int(if_match.strip('"')) if if_match else None


Tenant = Annotated[Workspace, Depends(workspace)]
IfMatch = Annotated[int | None, Depends(expected_revision)]
