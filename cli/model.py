"""`stackfold model`: register models, promote versions, roll back, answer what was promoted."""

from collections.abc import Sequence
from typing import Annotated

import typer

from stackfold.application.models.views import ModelView
from stackfold.cli import completion, model_texts
from stackfold.cli.followers import update_followers
from stackfold.cli.history import DiffForm, DiffOutput, show_unified
from stackfold.cli.history_rows import print_changes, show_history
from stackfold.cli.model_version import version
from stackfold.cli.options import (
    AsOf,
    Columns,
    DryRun,
    ExpectedRevision,
    Limit,
    Message,
    Output,
    Page,
    RevisionArgument,
    Size,
    SortBy,
    ToRevision,
    Yes,
    confirm,
    filter_option,
    listing,
    parse_columns,
    point_to_revert_to,
)
from stackfold.cli.render import Format, Shape, echo, note, show_one, show_rows
from stackfold.cli.show import PAGE, more_rows, note_rest
from stackfold.cli.typer_ext import Noun, WrongUsage
from stackfold.infrastructure.workspace import Workspace

model = Noun("model", "Promote versions of models, roll back, and see what was promoted when.")

_MODELS = Shape(
    ModelView._fields, ("name", "latest", "aliases", "gates", "updated", "by"), ("name", "latest")
)
_DIFFERENCES = Shape(("field", "before", "after"), ("field", "before", "after"), ("field",))

ModelName = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="Name or id of the model, or a unique prefix of either.",
        autocompletion=completion.models,
    ),
]
Version = Annotated[str, typer.Argument(metavar="VERSION", help="A number, an alias, or latest.")]
To = Annotated[
    str,
    typer.Option("--to", metavar="ALIAS", help="A stage (staging, production) or another alias."),
]
From = Annotated[
    str,
    typer.Option("--from", metavar="ALIAS", help="A stage (staging, production) or another alias."),
]


model_texts.declare_on(model)


@model.command("list")
def list_models(
    name: Annotated[str | None, filter_option("name")] = None,
    by: Annotated[str | None, filter_option("by")] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(
            "--tag", metavar="TAG", show_default=False, help="Only rows with this tag; repeatable."
        ),
    ] = None,
    as_of: AsOf = None,
    sort_by: SortBy = "asc:name",
    page: Page = 1,
    size: Size = PAGE,
    columns: Columns = None,
    output: Output = Format.TABLE,
) -> None:
    """List models with the versions that their aliases stand for."""
    filters = {"name": name, "by": by}
    wanted = listing(filters, None, sort_by, page, size)._replace(tags=tuple(tag or ()))
    with Workspace.open() as workspace:
        views = workspace.models.list(wanted, as_of)
        more = more_rows(lambda part: workspace.models.list(part, as_of), wanted, len(views))
    show_rows([each._asdict() for each in views], _MODELS, output, parse_columns(columns))
    note_rest(wanted, len(views), more, "model")


@model.command("describe")
def describe(name: ModelName, as_of: AsOf = None, output: Output = Format.TABLE) -> None:
    """Show a model: which versions were promoted, by whom, when and why; with --as-of, then."""
    with Workspace.open() as workspace:
        view = workspace.models.describe(name, as_of)
    record = view._asdict()
    record["promotions"] = [each._asdict() for each in view.promotions]
    if output == Format.TABLE:
        del record["promotions"]
        for each in view.promotions:
            record[each.alias] = (
                f"{view.name}@{each.number}, {each.action} by {each.by} at {each.when}"
                + (f": {each.why}" if each.why else "")
            )
            record[f"{each.alias}.made"] = (
                f"by run {each.run} on {each.stack}, revision {each.stack_revision}"
            )
            record[f"{each.alias}.data"] = ", ".join(
                exact if exact == text else f"{exact} ({text})"
                for text, exact in each.inputs.items()
            )
            record[f"{each.alias}.deployments"] = ", ".join(each.deployments)
    show_one(record, [*record], output)


@model.command("history")
def history(
    name: ModelName,
    alias: Annotated[
        str | None,
        typer.Option(
            "--alias", metavar="ALIAS", show_default=False, help="Only what changed this alias."
        ),
    ] = None,
    limit: Limit = None,
    columns: Columns = None,
    output: Output = Format.TABLE,
) -> None:
    """Show the history of a model, even if deleted; newest first."""
    with Workspace.open() as workspace:
        entries = workspace.models.history(name, limit, alias=alias)
    show_history(entries, "model", output, parse_columns(columns))


@model.command("diff")
def diff(
    context: typer.Context,
    name: ModelName,
    revision: Annotated[
        int | None, typer.Argument(metavar="REVISION", help="A revision of the model.")
    ] = None,
    other: Annotated[
        int | None,
        typer.Argument(metavar="REVISION", help="A later revision; by default the current one."),
    ] = None,
    as_of: Annotated[
        list[str] | None,
        typer.Option(
            "--as-of",
            metavar="WHEN",
            show_default=False,
            help="Compare the state at a past point; give it twice to compare two past points.",
        ),
    ] = None,
    output: DiffOutput = DiffForm.TABLE,
) -> None:
    """Compare two states of a model; by default, show its last change."""
    points: Sequence[str | None] = [*(as_of or ()), None, None]
    if len(points) > 4 or (as_of and revision is not None):
        raise WrongUsage("give two revisions, or --as-of once or twice", context)
    revisions = None if revision is None else (revision, other)
    with Workspace.open() as workspace:
        found = workspace.models.diff(name, revisions=revisions, as_of=(points[0], points[1]))
    if output == DiffForm.UNIFIED:
        show_unified(found, f"{name} before", f"{name} after")
    else:
        show_rows([each._asdict() for each in found], _DIFFERENCES, output)
    if not found:
        note("no difference")


@model.command("promote")
def promote(
    name: ModelName,
    version: Version,
    to: To = "production",
    gate: Annotated[
        str | None,
        typer.Option(
            "--gate",
            metavar="MODULE:FUNCTION",
            show_default=False,
            help="Ask a function, too; it is imported, also from the current folder.",
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Promote it even if the gate refuses; requires --message."),
    ] = False,
    expected_revision: ExpectedRevision = None,
    message: Message = "",
) -> None:
    """Let an alias stand for a version, if the gate of the alias allows it.

    The version that leaves staging or production is archived, unless it has another alias. A
    refusal is recorded.
    """
    with Workspace.open() as workspace:
        before = workspace.models.get(name).aliases.get(to)
        if gate is not None:
            workspace.models.allow_gate(gate)
        view = workspace.models.promote(
            name,
            version,
            to,
            gate=gate,
            force=force,
            why=message,
            expected_revision=expected_revision,
        )
        left = f"; before: {view.model}@{before}" if before else ""
        echo(f"{view.model}@{view.number} is {to}{left}")
        update_followers(workspace, view.model)


@model.command("rollback")
def rollback(
    name: ModelName,
    from_: From = "production",
    to: Annotated[
        int | None,
        typer.Option(
            "--to", metavar="NUMBER", show_default=False, help="An earlier version of the alias."
        ),
    ] = None,
    expected_revision: ExpectedRevision = None,
    message: Message = "",
) -> None:
    """Let an alias stand for the version before; no gate judges that.

    A second rollback goes back one more version.
    """
    with Workspace.open() as workspace:
        view = workspace.models.rollback(
            name, from_, to, why=message, expected_revision=expected_revision
        )
        echo(f"{view.model}@{view.number} is {from_} again")
        update_followers(workspace, view.model)


@model.command("clear")
def clear(
    name: ModelName,
    alias: Annotated[str, typer.Argument(metavar="ALIAS", help="The alias.")],
    expected_revision: ExpectedRevision = None,
    message: Message = "",
) -> None:
    """Let an alias stand for no version."""
    with Workspace.open() as workspace:
        view = workspace.models.remove_alias(
            name, alias, why=message, expected_revision=expected_revision
        )
    echo(f"no version of {view.name!r} is {alias}")


@model.command("gate")
def gate(
    context: typer.Context,
    name: ModelName,
    rule: Annotated[
        str | None,
        typer.Argument(
            metavar="RULE",
            help="Conditions on metrics, such as 'auc >= 0.9 and auc > production.auc', and "
            "functions, such as checks:fair.",
        ),
    ] = None,
    to: To = "production",
    remove: Annotated[bool, typer.Option("--remove", help="Remove the gate.")] = False,
    expected_revision: ExpectedRevision = None,
    message: Message = "",
) -> None:
    """Set the rule that a version must meet to be promoted to an alias.

    A metric that is missing or not a number fails. A comparison with an alias that stands for no
    version passes. A function is imported, also from the current folder, which the home remembers;
    other homes do not import it before a user names it there.
    """
    if (rule is None) != remove:
        raise WrongUsage("give RULE, or --remove", context)
    with Workspace.open() as workspace:
        if rule is not None:
            workspace.models.allow_gate(rule)
        view = workspace.models.set_gate(
            name, rule, to, why=message, expected_revision=expected_revision
        )
    gated = f"gate to {to}: {view.gates[to]}" if rule else f"no gate to {to}"
    echo(f"model {view.name!r}, revision {view.revision}: {gated}")


@model.command("rename")
def rename(
    name: ModelName,
    new_name: Annotated[str, typer.Argument(metavar="NEW_NAME", help="The new name.")],
    expected_revision: ExpectedRevision = None,
    message: Message = "",
) -> None:
    """Rename a model."""
    with Workspace.open() as workspace:
        view = workspace.models.rename(
            name, new_name, why=message, expected_revision=expected_revision
        )
    echo(f"model {view.name!r} renamed, revision {view.revision}")


@model.command("delete")
def delete(
    name: ModelName,
    expected_revision: ExpectedRevision = None,
    yes: Yes = False,
    message: Message = "",
) -> None:
    """Delete a model; its runs and their artifacts remain.

    Asks for confirmation on a terminal; requires --yes elsewhere.
    """
    with Workspace.open() as workspace:
        found = workspace.models.get(name)
        confirm(f"model {found.name!r}", yes)
        workspace.models.delete(found.id, why=message, expected_revision=expected_revision)
    echo(f"model {found.name!r} deleted, revision {found.revision + 1}")


@model.command("revert")
def revert(
    context: typer.Context,
    name: ModelName,
    revision: RevisionArgument = None,
    to: ToRevision = None,
    as_of: AsOf = None,
    dry_run: DryRun = False,
    expected_revision: ExpectedRevision = None,
    message: Message = "",
) -> None:
    """Restore an earlier state of a model as a new revision; by default the one before."""
    to = point_to_revert_to(context, revision, to, as_of)
    with Workspace.open() as workspace:
        entries = workspace.models.revert(
            name,
            to,
            as_of=as_of,
            dry_run=dry_run,
            why=message,
            expected_revision=expected_revision,
        )
        print_changes(entries, dry_run)
        if not dry_run:
            update_followers(workspace)


@model.command("restore")
def restore(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="Id or former name of the model.",
            autocompletion=completion.deleted("model"),
        ),
    ],
    dry_run: DryRun = False,
    expected_revision: ExpectedRevision = None,
    message: Message = "",
) -> None:
    """Restore a deleted model."""
    with Workspace.open() as workspace:
        entries = workspace.models.restore(
            name, dry_run=dry_run, why=message, expected_revision=expected_revision
        )
    print_changes(entries, dry_run)


model.include(version)
