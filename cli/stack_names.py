"""`stackfold stack rename`, `copy` and `delete`."""

from typing import Annotated

import typer

from stackfold.application.listing.listing import Condition, Listing
from stackfold.application.stacks.views import ComponentView, StackView
from stackfold.cli.options import ExpectedRevision, Message, NewName, StackName, Yes, confirm
from stackfold.cli.render import echo, note
from stackfold.cli.typer_ext import Noun
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.workspace import Workspace


def declare_on(stack: Noun) -> None:
    """Add the commands to the stack group."""
    stack.command("rename")(rename)
    stack.command("copy")(copy)
    stack.command("delete")(delete)


def rename(
    name: StackName,
    new_name: NewName,
    expected_revision: ExpectedRevision = None,
    message: Message = "",
) -> None:
    """Rename a stack; an active stack remains active."""
    with Workspace.open() as workspace:
        old = workspace.stacks.get(name)
        view = workspace.stacks.rename(
            old.id, new_name, why=message, expected_revision=expected_revision
        )
    echo(f"stack {old.name!r} renamed to {view.name!r}, revision {view.revision}")


def copy(
    name: StackName,
    new_name: NewName,
    expected_revision: ExpectedRevision = None,
    message: Message = "",
) -> None:
    """Copy a stack to a new name, including its labels."""
    with Workspace.open() as workspace:
        old = workspace.stacks.get(name)
        view = workspace.stacks.copy(
            old.id, new_name, why=message, expected_revision=expected_revision
        )
    echo(f"stack {old.name!r} copied to {view.name!r}, revision {view.revision}")


def delete(
    name: StackName,
    recursive: Annotated[
        bool,
        typer.Option(
            "--recursive", "-r", help="Also delete its components that no other stack uses."
        ),
    ] = False,
    expected_revision: ExpectedRevision = None,
    yes: Yes = False,
    message: Message = "",
) -> None:
    """Delete a stack.

    Asks for confirmation on a terminal; requires --yes elsewhere.
    """
    with Workspace.open() as workspace:
        old = workspace.stacks.get(name)
        components = _components(workspace, old) if recursive else []
        confirm(f"stack {old.name!r}" + " and the components that only it uses" * recursive, yes)
        view = workspace.stacks.delete(
            old.id, recursive=recursive, why=message, expected_revision=expected_revision
        )
        types = {ComponentType(each.type) for each in components}
        left = {each.id for type in types for each in workspace.components.list(type)}
        of_it = Listing(where=(Condition("stack_id", "equals", old.id),))
        deployments = workspace.deployments.list(of_it, contact=False)
    echo(f"stack {view.name!r} deleted, revision {view.revision + 1}")
    if deployments:
        names = ", ".join(repr(each.name) for each in deployments)
        note(f"deployments that were started on it keep running: {names}")
    for each in components:
        if each.id not in left:
            noun = each.type.replace("_", " ")
            echo(f"{noun} {each.name!r} deleted, revision {each.revision + 1}")


# -- helpers


def _components(workspace: Workspace, stack: StackView) -> list[ComponentView]:
    return [
        workspace.components.get(ComponentType(type), name)
        for type, names in stack.components.items()
        for name in names
    ]
