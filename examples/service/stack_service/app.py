"""The service: the stacks and approvals of each tenant, by HTTP."""

from fastapi import FastAPI, Response

from stack_service import problems
from stack_service.approvals import Approval
from stack_service.messages import ApprovalState, ChangeRecord, NewStack, StackChanges, StackState
from stack_service.tenants import IfMatch, Tenant, lifespan
from stackfold.errors import StackfoldError

app = FastAPI(title="Stacks", lifespan=lifespan)
app.add_exception_handler(StackfoldError, problems.answer)


@app.get("/{tenant}/stacks")
def list_stacks(ws: Tenant) -> list[StackState]:
    return [StackState.model_validate(each) for each in ws.stacks.list()]


@app.post("/{tenant}/stacks", status_code=201)
def register_stack(ws: Tenant, stack: NewStack, response: Response) -> StackState:
    return StackState.of(ws.stacks.register(**stack.model_dump()), response)


@app.get("/{tenant}/stacks/{name}")
def get_stack(ws: Tenant, name: str, response: Response) -> StackState:
    return StackState.of(ws.stacks.get(name), response)


@app.patch("/{tenant}/stacks/{name}")
def update_stack(
    ws: Tenant, name: str, changes: StackChanges, if_match: IfMatch, response: Response
) -> StackState:
    updated = ws.stacks.update(name, **changes.model_dump(), expected_revision=if_match)
    return StackState.of(updated, response)


@app.delete("/{tenant}/stacks/{name}", status_code=204)
def delete_stack(ws: Tenant, name: str, if_match: IfMatch) -> None:
    ws.stacks.delete(name, expected_revision=if_match)


@app.get("/{tenant}/stacks/{name}/history")
def stack_history(ws: Tenant, name: str) -> list[ChangeRecord]:
    return [ChangeRecord.model_validate(each) for each in ws.stacks.history(name)]


@app.post("/{tenant}/stacks/{name}/approvals", status_code=201)
def request_approval(ws: Tenant, name: str, response: Response) -> ApprovalState:
    stack = ws.stacks.get(name)
    approval = Approval.request(stack.name, stack.revision, ws.actor)
    ws.repository.save(approval)
    return ApprovalState.of(approval, response)


@app.get("/{tenant}/approvals")
def list_approvals(ws: Tenant) -> list[ApprovalState]:
    approvals = ws.aggregates(Approval).list()
    return [ApprovalState(revision=each.revision, **each.row._asdict()) for each in approvals]


@app.post("/{tenant}/approvals/{name}/grant")
def grant_approval(ws: Tenant, name: str, if_match: IfMatch, response: Response) -> ApprovalState:
    """Grant an approval and label its stack, or neither if the stack was changed since."""
    with ws.change(why=f"Approval {name}"):
        approval = ws.aggregates(Approval).change(
            name, lambda requested: requested.grant(ws.actor), expected_revision=if_match
        )
        ws.stacks.update(
            approval.stack,
            labels={"approved-by": ws.actor},
            expected_revision=approval.stack_revision,
        )
    return ApprovalState.of(approval, response)


@app.get("/{tenant}/activity")
def activity(ws: Tenant) -> dict[str, int]:
    return dict(ws.query("SELECT by, events FROM stack_service_activity ORDER BY by"))
