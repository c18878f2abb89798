"""`stackfold orchestrator`, `artifact-store` and so on: the commands of every component type."""

from importlib import import_module
from typing import Annotated, Any

import typer

from stackfold.cli import completion, show
from stackfold.cli.flavor import flavor
from stackfold.cli.history_rows import print_changes
from stackfold.cli.nouns import a, plural, summary
from stackfold.cli.options import (
    AsOf,
    Columns,
    DryRun,
    ExpectedRevision,
    Limit,
    Message,
    Name,
    NewName,
    OnlyLabels,
    Output,
    Page,
    RemoveLabels,
    RevisionArgument,
    SetLabels,
    Size,
    SortBy,
    ToRevision,
    Yes,
    confirm,
    filter_option,
    label_changes,
    listing,
    parse_columns,
    parse_pairs,
    point_to_revert_to,
    read_values,
)
from stackfold.cli.render import Format, echo
from stackfold.cli.typer_ext import ConfiguringCommand, Noun, attributes_of
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.workspace import Workspace

_VERBS = {
    ComponentType.ALERTER: "stackfold.cli.alerter",
    ComponentType.ANNOTATOR: "stackfold.cli.annotator",
    ComponentType.DATA_VALIDATOR: "stackfold.cli.data_validator",
    ComponentType.FEATURE_STORE: "stackfold.cli.feature_store",
    ComponentType.MODEL_REGISTRY: "stackfold.cli.model_registry",
}
"""Component type → the module that declares the commands that only it has."""


def component(type: ComponentType) -> Noun:
    """Build the command group for the components of a type."""
    noun = Noun(type.command, summary(type))
    _declare_queries(noun, type)
    _declare_registration(noun, type)
    _declare_changes(noun, type)
    _declare_names(noun, type)
    _declare_history(noun, type)
    if type in _VERBS:
        import_module(_VERBS[type]).declare(noun)
    noun.include(flavor(type))
    return noun


def _declare_queries(noun: Noun, type: ComponentType) -> None:
    @noun.command("list", help=f"List {plural(type)}.")
    def list_components(
        id: Annotated[str | None, filter_option("id")] = None,
        name: Annotated[str | None, filter_option("name")] = None,
        flavor: Annotated[str | None, filter_option("flavor")] = None,
        revision: Annotated[str | None, filter_option("revision")] = None,
        created: Annotated[str | None, filter_option("created")] = None,
        updated: Annotated[str | None, filter_option("updated")] = None,
        by: Annotated[str | None, filter_option("by")] = None,
        label: OnlyLabels = None,
        sort_by: SortBy = "name",
        page: Page = 1,
        size: Size = show.PAGE,
        columns: Columns = None,
        as_of: AsOf = None,
        output: Output = Format.TABLE,
    ) -> None:
        filters = {
            "id": id,
            "name": name,
            "flavor": flavor,
            "revision": revision,
            "created": created,
            "updated": updated,
            "by": by,
        }
        wanted = listing(filters, label, sort_by, page, size)
        show.components(type, output, wanted, parse_columns(columns), as_of)

    @noun.command("describe", help=f"Show all details of {a(type)}.")
    def describe(
        name: Annotated[str | None, _name_or_active(type)] = None,
        as_of: AsOf = None,
        output: Output = Format.TABLE,
    ) -> None:
        show.component(type, name, output, as_of)

    @noun.command(
        "get",
        help=f"Print the name of the active stack's {type.noun}; as JSON or YAML, all details.",
    )
    def get(as_of: AsOf = None, output: Output = Format.TABLE) -> None:
        show.active_component(type, output, as_of)


def _declare_registration(noun: Noun, type: ComponentType) -> None:
    @noun.command(
        "register", ConfiguringCommand, help=f"Register {a(type)}: a name for a configured flavor."
    )
    def register(
        context: typer.Context,
        name: Name,
        flavor: Annotated[
            str,
            typer.Option(
                "--flavor",
                "-f",
                metavar="FLAVOR",
                help=f"The flavor; see `{type.command} flavor list`.",
                autocompletion=completion.flavors(type),
            ),
        ],
        label: SetLabels = None,
        message: Message = "",
    ) -> None:
        configuration = read_values(attributes_of(context))
        with Workspace.open() as workspace:
            view = workspace.components.register(
                type, name, flavor, configuration, parse_pairs("--label", label), why=message
            )
        echo(f"{type.noun} {view.name!r} registered, revision {view.revision}")


def _declare_changes(noun: Noun, type: ComponentType) -> None:
    @noun.command(
        "update", ConfiguringCommand, help="Set attributes and labels; others are unchanged."
    )
    def update(
        context: typer.Context,
        name: Annotated[str | None, _name_or_active(type)] = None,
        label: SetLabels = None,
        remove_label: RemoveLabels = None,
        expected_revision: ExpectedRevision = None,
        message: Message = "",
    ) -> None:
        configuration = read_values(attributes_of(context))
        changes = label_changes(label, remove_label)
        with Workspace.open() as workspace:
            view = workspace.components.update(
                type,
                name,
                configuration,
                changes,
                why=message,
                expected_revision=expected_revision,
            )
        echo(f"{type.noun} {view.name!r} updated, revision {view.revision}")

    @noun.command("remove-attribute", help="Reset attributes to the flavor's defaults.")
    def remove_attribute(
        name: Annotated[str, _name(type)],
        attribute: Annotated[
            list[str], typer.Argument(metavar="ATTRIBUTE...", help="The attributes to reset.")
        ],
        expected_revision: ExpectedRevision = None,
        message: Message = "",
    ) -> None:
        keys = [each.replace("-", "_") for each in attribute]
        with Workspace.open() as workspace:
            view = workspace.components.remove_attributes(
                type, name, keys, why=message, expected_revision=expected_revision
            )
        echo(f"{type.noun} {view.name!r} updated, revision {view.revision}")


def _declare_names(noun: Noun, type: ComponentType) -> None:
    @noun.command("rename", help=f"Rename {a(type)}; stacks that use it are unaffected.")
    def rename(
        name: Annotated[str, _name(type)],
        new_name: NewName,
        expected_revision: ExpectedRevision = None,
        message: Message = "",
    ) -> None:
        with Workspace.open() as workspace:
            old = workspace.components.get(type, name)
            view = workspace.components.rename(
                type, old.id, new_name, why=message, expected_revision=expected_revision
            )
        echo(f"{type.noun} {old.name!r} renamed to {view.name!r}, revision {view.revision}")

    @noun.command("copy", help=f"Copy {a(type)} to a new name.")
    def copy(
        name: Annotated[str, _name(type)],
        new_name: NewName,
        expected_revision: ExpectedRevision = None,
        message: Message = "",
    ) -> None:
        with Workspace.open() as workspace:
            old = workspace.components.get(type, name)
            view = workspace.components.copy(
                type, old.id, new_name, why=message, expected_revision=expected_revision
            )
        echo(f"{type.noun} {old.name!r} copied to {view.name!r}, revision {view.revision}")

    @noun.command("delete", help=f"Delete {a(type)} that no stack uses.")
    def delete(
        name: Annotated[str, _name(type)],
        expected_revision: ExpectedRevision = None,
        yes: Yes = False,
        message: Message = "",
    ) -> None:
        with Workspace.open() as workspace:
            old = workspace.components.get(type, name)
            confirm(f"{type.noun} {old.name!r}", yes)
            view = workspace.components.delete(
                type, old.id, why=message, expected_revision=expected_revision
            )
        echo(f"{type.noun} {view.name!r} deleted, revision {view.revision + 1}")


def _declare_history(noun: Noun, type: ComponentType) -> None:
    @noun.command("history", help=f"Show the history of {a(type)}, even if deleted; newest first.")
    def history(
        name: Annotated[str | None, _name_or_active(type)] = None,
        limit: Limit = None,
        columns: Columns = None,
        output: Output = Format.TABLE,
    ) -> None:
        show.component_history(type, name, output, limit, parse_columns(columns))

    @noun.command(
        "revert",
        help=f"Restore an earlier state of {a(type)} as a new revision.\n\n"
        "By default the state before the latest revision.",
    )
    def revert(
        context: typer.Context,
        name: Annotated[str, _name(type)],
        revision: RevisionArgument = None,
        to: ToRevision = None,
        as_of: AsOf = None,
        dry_run: DryRun = False,
        expected_revision: ExpectedRevision = None,
        message: Message = "",
    ) -> None:
        to = point_to_revert_to(context, revision, to, as_of)
        with Workspace.open() as workspace:
            entries = workspace.components.revert(
                type,
                name,
                to,
                as_of=as_of,
                dry_run=dry_run,
                why=message,
                expected_revision=expected_revision,
            )
        print_changes(entries, dry_run)

    @noun.command("restore", help=f"Restore a deleted {type.noun}.")
    def restore(
        name: Annotated[str, _deleted_name(type)],
        dry_run: DryRun = False,
        expected_revision: ExpectedRevision = None,
        message: Message = "",
    ) -> None:
        with Workspace.open() as workspace:
            entries = workspace.components.restore(
                type, name, dry_run=dry_run, why=message, expected_revision=expected_revision
            )
        print_changes(entries, dry_run)


def _deleted_name(type: ComponentType) -> Any:
    return typer.Argument(
        metavar="NAME",
        help=f"Id or former name of the {type.noun}.",
        autocompletion=completion.deleted("component", type),
    )


def _name(type: ComponentType) -> Any:
    return typer.Argument(
        metavar="NAME",
        help=f"Name or id of the {type.noun}, or a unique prefix of either.",
        autocompletion=completion.components(type),
    )


def _name_or_active(type: ComponentType) -> Any:
    return typer.Argument(
        metavar="NAME",
        help=f"Name or id of the {type.noun}, or a unique prefix of either; by default the "
        "active stack's.",
        autocompletion=completion.components(type),
    )
