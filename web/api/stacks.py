"""Operations: stacks."""

from typing import Any

from stackfold.application.history.views import Change, HistoryEntry
from stackfold.application.stacks.views import ComponentView, StackView
from stackfold.domain.errors import Invalid, Violation
from stackfold.web.api.listings import listing
from stackfold.web.api.operations import Call, Limit, Number, Operations, Page, PageNumber, Past

STACKS = Operations("stacks")


@STACKS.get("/stacks")
def list_stacks(
    call: Call,
    *,
    name: str | None = None,
    label: tuple[str, ...] = (),
    sort: str = "name",
    as_of: Past = None,
    page: PageNumber = 1,
    limit: Limit = 100,
) -> Page[StackView]:
    """List stacks.

    Args:
        name: Only the stack of this name.
        label: Only stacks with this label, as `key=value`; with all, if several are given.
        sort: The field to sort by, after `-` for descending order.
    """
    return call.page(
        as_of,
        page,
        limit,
        lambda at, number, size: call.workspace.stacks.list(
            listing(sort, number, size, labels=label, name=name), at
        ),
    )


@STACKS.get("/active-stack")
def get_active_stack(call: Call, *, as_of: Past = None) -> StackView:
    """Get the active stack.

    That of the project or the user, of the server or of the actor that it takes from the request.
    """
    return call.workspace.stacks.get(None, as_of)


@STACKS.get("/stacks/{stack}")
def get_stack(call: Call, *, stack: str, as_of: Past = None) -> StackView:
    """Get a stack.

    Args:
        stack: The name, the id, or a unique prefix of either.
    """
    return call.workspace.stacks.get(stack, as_of)


@STACKS.get("/stacks/{stack}/components")
def get_composition(call: Call, *, stack: str, as_of: Past = None) -> list[ComponentView]:
    """Get the components of a stack, by type, the default one of each type first.

    Args:
        stack: The name, the id, or a unique prefix of either.
    """
    return [*call.workspace.stacks.components(stack, as_of)]


@STACKS.get("/stacks/{stack}/history")
def get_stack_history(
    call: Call, *, stack: str, as_of: Past = None, limit: Limit = 100
) -> list[HistoryEntry]:
    """Get the changes of a stack, and of its components while it contained them, newest first.

    Args:
        stack: The name or id; it may have been deleted.
        as_of: Only changes up to this point.
        limit: The most entries.
    """
    return [*call.workspace.stacks.history(stack, limit, as_of=as_of)]


@STACKS.get("/stacks/{stack}/diff")
def diff_stacks(
    call: Call,
    *,
    stack: str,
    other: str | None = None,
    revision: Number | None = None,
    other_revision: Number | None = None,
    as_of: Past = None,
    other_as_of: Past = None,
) -> list[Change]:
    """Compare two stacks, or two states of a stack, field by field.

    Without a query, compares the states before and after the last change.

    Args:
        stack: The name or id of the first stack.
        other: The second stack; the same if it is not given.
        revision: A revision of the stack, as the first state.
        other_revision: The revision as the second state; the latest if it is not given.
        as_of: A point in the past, as the first state.
        other_as_of: A point in the past, as the second state.
    """
    if revision is None and other_revision is not None:
        raise Invalid("other_revision is given without revision: give both")
    return [
        *call.workspace.stacks.diff(
            stack,
            other,
            revisions=None if revision is None else (revision, other_revision),
            as_of=(as_of, other_as_of),
        )
    ]


@STACKS.get("/stacks/{stack}/violations")
def check_stack(call: Call, *, stack: str) -> list[Violation]:
    """List what keeps a stack from working on the server's machine; contacts nothing.

    Args:
        stack: The name, the id, or a unique prefix of either.
    """
    return [*call.workspace.stacks.check(stack)]


@STACKS.get("/stacks/{stack}/requirements")
def get_requirements(call: Call, *, stack: str) -> list[str]:
    """List the pip requirements of the components of a stack.

    Args:
        stack: The name, the id, or a unique prefix of either.
    """
    return [*call.workspace.stacks.requirements(stack)]


@STACKS.get("/stacks/{stack}/document")
def export_stack(call: Call, *, stack: str) -> dict[str, Any]:
    """Get the document that `stack import` reads.

    Args:
        stack: The name, the id, or a unique prefix of either.
    """
    return call.workspace.stacks.export(stack)
