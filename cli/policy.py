"""`stackfold policy`: enable, disable and inspect policies."""

from typing import Annotated

import typer

from stackfold.application.policies.views import PolicyView
from stackfold.cli import completion
from stackfold.cli.history_rows import show_history
from stackfold.cli.options import AsOf, Columns, DryRun, Limit, Message, Output, parse_columns
from stackfold.cli.render import Format, Shape, echo, first_rows, note, show_one, show_rows
from stackfold.cli.typer_ext import Noun
from stackfold.infrastructure.workspace import Workspace

policy = Noun("policy", "Enable, disable and inspect policies, which can reject changes.")

_POLICIES = Shape(
    PolicyView._fields, ("name", "enabled", "topics", "package", "version", "installed"), ("name",)
)

PolicyName = Annotated[
    str,
    typer.Argument(metavar="NAME", help="Name of the policy.", autocompletion=completion.policies),
]


@policy.command("list")
def list_policies(
    limit: Limit = None, columns: Columns = None, as_of: AsOf = None, output: Output = Format.TABLE
) -> None:
    """List the enabled policies, and those that installed packages provide.

    With --as-of, only the policies that were enabled at that point.
    """
    with Workspace.open() as workspace:
        views = workspace.policies.list(as_of)
    views = first_rows(views, limit)
    show_rows([view._asdict() for view in views], _POLICIES, output, parse_columns(columns))
    if not views:
        note("no policy yet")


@policy.command("describe")
def describe(name: PolicyName, as_of: AsOf = None, output: Output = Format.TABLE) -> None:
    """Show all details of a policy.

    What a policy governs is known when it is enabled; `enable --dry-run` shows it before.
    """
    with Workspace.open() as workspace:
        view = workspace.policies.describe(name, as_of)
    show_one(view._asdict(), view._fields, output)


@policy.command("enable")
def enable(name: PolicyName, dry_run: DryRun = False, message: Message = "") -> None:
    """Enable a policy in the log, or update an enabled one.

    It then judges each change of the events that it governs, of all users of the log. A process
    without the package of the policy cannot make such changes.
    """
    with Workspace.open() as workspace:
        view = workspace.policies.enable(name, message, dry_run=dry_run)
    before = "dry run: " if dry_run else ""
    echo(f"{before}policy {view.name!r} enabled, revision {view.revision}")
    echo(f"{before}  governs: {', '.join(view.topics)}")


@policy.command("disable")
def disable(name: PolicyName, message: Message = "") -> None:
    """Disable a policy in the log; requires --message.

    Its package is not needed, and no policy can forbid it.
    """
    with Workspace.open() as workspace:
        workspace.policies.disable(name, message)
    echo(f"policy {name!r} disabled")


@policy.command("history")
def history(
    name: PolicyName, limit: Limit = None, columns: Columns = None, output: Output = Format.TABLE
) -> None:
    """Show when a policy was enabled and disabled, by whom and why; newest first."""
    with Workspace.open() as workspace:
        entries = workspace.policies.history(name, limit)
    show_history(entries, "policy", output, parse_columns(columns))
