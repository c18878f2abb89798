"""`stackfold orchestrator`, `artifact-store` and so on: the same commands for every type."""

from typing import Annotated, Any

import typer

from stackfold.cli import completion, show
from stackfold.cli.flavor import flavor
from stackfold.cli.history_rows import tell
from stackfold.cli.nouns import a, plural, summary
from stackfold.cli.options import (
    AsOf,
    Columns,
    DryRun,
    Limit,
    Message,
    Name,
    NewName,
    OnlyLabels,
    Output,
    Page,
    RemoveLabels,
    SetLabels,
    Size,
    SortBy,
    ToRevision,
    Yes,
    chosen,
    confirm,
    label_changes,
    listing,
    matching,
    one_point,
    pairs,
    values,
)
from stackfold.cli.render import Format, say
from stackfold.cli.typer_ext import ConfiguringCommand, Noun, attributes_of
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.workspace import Workspace


def component(type: ComponentType) -> Noun:
    """The commands for the components of a type."""
    noun = Noun(type.command, summary(type))
    _declare_questions(noun, type)
    _declare_registration(noun, type)
    _declare_changes(noun, type)
    _declare_names(noun, type)
    _declare_past(noun, type)
    noun.include(flavor(type))
    return noun


def _declare_questions(noun: Noun, type: ComponentType) -> None:
    @noun.command("list", help=f"List {plural(type)}.")
    def list_components(
        id: Annotated[str | None, matching("id")] = None,
        name: Annotated[str | None, matching("name")] = None,
        flavor: Annotated[str | None, matching("flavor")] = None,
        revision: Annotated[str | None, matching("revision")] = None,
        created: Annotated[str | None, matching("created")] = None,
        updated: Annotated[str | None, matching("updated")] = None,
        by: Annotated[str | None, matching("by")] = None,
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
        show.components(type, output, wanted, chosen(columns), as_of)

    @noun.command("describe", help=f"Show everything about {a(type)}.")
    def describe(
        name: Annotated[str | None, _name_or_active(type)] = None,
        as_of: AsOf = None,
        output: Output = Format.TABLE,
    ) -> None:
        show.component(type, name, output, as_of)

    @noun.command("get", help=f"Print the name of the active stack's {type.noun}.")
    def get(as_of: AsOf = None, output: Output = Format.TABLE) -> None:
        show.active_component(type, output, as_of)


def _declare_registration(noun: Noun, type: ComponentType) -> None:
    @noun.command("register", ConfiguringCommand, help=f"Name and configure {a(type)} flavor.")
    def register(
        context: typer.Context,
        name: Name,
        flavor: Annotated[
            str,
            typer.Option(
                "--flavor",
                "-f",
                metavar="FLAVOR",
                help=f"Which flavor; `{type.command} flavor list` shows them.",
                autocompletion=completion.flavors(type),
            ),
        ],
        label: SetLabels = None,
        message: Message = "",
    ) -> None:
        configuration = values(attributes_of(context))
        with Workspace.open() as workspace:
            view = workspace.components.register(
                type, name, flavor, configuration, pairs("--label", label), why=message
            )
        say(f"{type.noun} {view.name!r} registered, revision {view.revision}")


def _declare_changes(noun: Noun, type: ComponentType) -> None:
    @noun.command("update", ConfiguringCommand, help="Set attributes and labels; others stay.")
    def update(
        context: typer.Context,
        name: Annotated[str | None, _name_or_active(type)] = None,
        label: SetLabels = None,
        remove_label: RemoveLabels = None,
        message: Message = "",
    ) -> None:
        configuration = values(attributes_of(context))
        changes = label_changes(label, remove_label)
        with Workspace.open() as workspace:
            view = workspace.components.update(type, name, configuration, changes, why=message)
        say(f"{type.noun} {view.name!r} updated, revision {view.revision}")

    @noun.command("remove-attribute", help="Let attributes go back to the flavor's defaults.")
    def remove_attribute(
        name: Annotated[str, _name(type)],
        attribute: Annotated[
            list[str], typer.Argument(metavar="ATTRIBUTE...", help="Which attributes.")
        ],
        message: Message = "",
    ) -> None:
        keys = [each.replace("-", "_") for each in attribute]
        with Workspace.open() as workspace:
            view = workspace.components.remove_attributes(type, name, keys, why=message)
        say(f"{type.noun} {view.name!r} updated, revision {view.revision}")


def _declare_names(noun: Noun, type: ComponentType) -> None:
    @noun.command("rename", help=f"Give {a(type)} another name; stacks keep it.")
    def rename(name: Annotated[str, _name(type)], new_name: NewName, message: Message = "") -> None:
        with Workspace.open() as workspace:
            old = workspace.queries.find_component(type, name)
            view = workspace.components.rename(type, old.id, new_name, why=message)
        say(f"{type.noun} {old.name!r} renamed to {view.name!r}, revision {view.revision}")

    @noun.command("copy", help=f"Register {a(type)} like another one, under a new name.")
    def copy(name: Annotated[str, _name(type)], new_name: NewName, message: Message = "") -> None:
        with Workspace.open() as workspace:
            old = workspace.queries.find_component(type, name)
            view = workspace.components.copy(type, old.id, new_name, why=message)
        say(f"{type.noun} {old.name!r} copied to {view.name!r}, revision {view.revision}")

    @noun.command("delete", help=f"Delete {a(type)} that no stack uses.")
    def delete(name: Annotated[str, _name(type)], yes: Yes = False, message: Message = "") -> None:
        with Workspace.open() as workspace:
            old = workspace.queries.find_component(type, name)
            confirm(f"{type.noun} {old.name!r}", yes)
            view = workspace.components.delete(type, old.id, why=message)
        say(f"{type.noun} {view.name!r} deleted, revision {view.revision + 1}")


def _declare_past(noun: Noun, type: ComponentType) -> None:
    @noun.command("history", help=f"Show what was done to {a(type)}, deleted or not; newest first.")
    def history(
        name: Annotated[str | None, _name_or_active(type)] = None,
        limit: Limit = None,
        columns: Columns = None,
        output: Output = Format.TABLE,
    ) -> None:
        show.component_history(type, name, output, limit, chosen(columns))

    @noun.command(
        "revert",
        help=f"Make {a(type)} what it was, as a new revision.\n\n"
        "By default what it was before this revision.",
    )
    def revert(
        context: typer.Context,
        name: Annotated[str, _name(type)],
        to: ToRevision = None,
        as_of: AsOf = None,
        dry_run: DryRun = False,
        message: Message = "",
    ) -> None:
        one_point(context, to, as_of)
        with Workspace.open() as workspace:
            entries = workspace.components.revert(
                type, name, to, as_of=as_of, dry_run=dry_run, why=message
            )
        tell(entries, dry_run)

    @noun.command("restore", help=f"Bring back {a(type)} that was deleted, as it was before.")
    def restore(
        name: Annotated[str, _deleted_name(type)], dry_run: DryRun = False, message: Message = ""
    ) -> None:
        with Workspace.open() as workspace:
            entries = workspace.components.restore(type, name, dry_run=dry_run, why=message)
        tell(entries, dry_run)


def _deleted_name(type: ComponentType) -> Any:
    return typer.Argument(
        metavar="NAME",
        help=f"The {type.noun}: the name that it had, or its id.",
        autocompletion=completion.deleted("component", type),
    )


def _name(type: ComponentType) -> Any:
    return typer.Argument(
        metavar="NAME",
        help=f"The {type.noun}: its name, its id, or a unique beginning of either.",
        autocompletion=completion.components(type),
    )


def _name_or_active(type: ComponentType) -> Any:
    return typer.Argument(
        metavar="NAME",
        help=f"The {type.noun}: its name, its id, or a unique beginning of either. "
        "By default the active stack's.",
        autocompletion=completion.components(type),
    )
