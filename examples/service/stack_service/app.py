"""The service: the stacks and approvals of each tenant, by HTTP."""

import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import Annotated
from uuid import uuid4

from fastapi import Depends, FastAPI, Header, Request, Response

from stack_service import problems
from stack_service.activity import Activity
from stack_service.messages import ChangeRecord, NewStack, StackChanges, StackState
from stackfold import Workspace
from stackfold.errors import NotFound, StackfoldError


def opened(tenant: str) -> Workspace:
    """The workspace of a tenant: a folder, and on PostgreSQL also a schema."""
    home = os.path.join(os.environ["STACK_SERVICE_HOME"], tenant)
    store = os.environ.get("STACK_SERVICE_STORE")
    address = f"{store}?schema={tenant}" if store else None
    return Workspace.open(home, address, actor="stack-service", projections=[Activity()])


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

app = FastAPI(title="Stacks", lifespan=lifespan)
app.add_exception_handler(StackfoldError, problems.answer)


def tagged(view: object, response: Response) -> StackState:
    """A stack, with its revision as the ETag."""
    state = StackState.model_validate(view)
    response.headers["ETag"] = f'"{state.revision}"'
    return state


@app.get("/{tenant}/stacks")
def list_stacks(ws: Tenant) -> list[StackState]:
    return [StackState.model_validate(each) for each in ws.stacks.list()]


@app.post("/{tenant}/stacks", status_code=201)
def register_stack(ws: Tenant, stack: NewStack, response: Response) -> StackState:
    return tagged(ws.stacks.register(**stack.model_dump()), response)


@app.get("/{tenant}/stacks/{name}")
def get_stack(ws: Tenant, name: str, response: Response) -> StackState:
    return tagged(ws.stacks.get(name), response)


@app.patch("/{tenant}/stacks/{name}")
def update_stack(
    ws: Tenant, name: str, changes: StackChanges, if_match: IfMatch, response: Response
) -> StackState:
    view = ws.stacks.update(name, **changes.model_dump(), expected_revision=if_match)
    return tagged(view, response)


@app.delete("/{tenant}/stacks/{name}", status_code=204)
def delete_stack(ws: Tenant, name: str, if_match: IfMatch) -> None:
    ws.stacks.delete(name, expected_revision=if_match)


@app.get("/{tenant}/stacks/{name}/history")
def stack_history(ws: Tenant, name: str) -> list[ChangeRecord]:
    return [ChangeRecord.model_validate(each) for each in ws.stacks.history(name)]


@app.get("/{tenant}/activity")
def activity(ws: Tenant) -> dict[str, int]:
    return dict(ws.query("SELECT by, events FROM stack_service_activity ORDER BY by"))
