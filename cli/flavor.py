"""`stackfold TYPE flavor`: list, describe and register the flavors of a component type."""

import sys
from typing import Annotated, Any

import typer

from stackfold.application.stacks.flavor_attributes import FlavorAttribute, attributes
from stackfold.cli import completion, show
from stackfold.cli.nouns import a
from stackfold.cli.options import (
    Columns,
    ExpectedRevision,
    Message,
    Output,
    Page,
    Size,
    SortBy,
    Yes,
    confirm,
    filter_option,
    listing,
    parse_columns,
)
from stackfold.cli.render import Format, echo, show_one
from stackfold.cli.table import table
from stackfold.cli.typer_ext import Noun
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.workspace import Workspace

_ATTRIBUTE_COLUMNS = FlavorAttribute._fields


def flavor(type: ComponentType) -> Noun:
    """Build the command group for the flavors of a type."""
    noun = Noun("flavor", f"Inspect {type.noun} flavors, and register your own.")
    _declare_queries(noun, type)
    _declare_changes(noun, type)
    return noun


def _declare_queries(noun: Noun, type: ComponentType) -> None:
    @noun.command("list", help=f"List {type.noun} flavors.")
    def list_flavors(
        name: Annotated[str | None, filter_option("name")] = None,
        integration: Annotated[str | None, filter_option("integration")] = None,
        installed: Annotated[str | None, filter_option("installed")] = None,
        summary: Annotated[str | None, filter_option("summary")] = None,
        sort_by: SortBy = "name",
        page: Page = 1,
        size: Size = show.PAGE,
        columns: Columns = None,
        output: Output = Format.TABLE,
    ) -> None:
        filters = {
            "name": name,
            "integration": integration,
            "installed": installed,
            "summary": summary,
        }
        wanted = listing(filters, None, sort_by, page, size)
        show.flavors(type, output, wanted, parse_columns(columns))

    @noun.command("describe", help=f"Show {a(type)} flavor and its attributes.")
    def describe(name: Annotated[str, _flavor_name(type)], output: Output = Format.TABLE) -> None:
        with Workspace.open() as workspace:
            record = workspace.flavors.describe(type, name)._asdict()
        schema = record["schema"]
        if output == Format.TABLE:
            # The schema is a separate table; the location of the class is shown here only.
            show_one(record, [field for field in record if field != "schema"])
            rows = [each._asdict() for each in attributes(schema)]
            if rows:
                sys.stdout.write("\n" + table(rows, _ATTRIBUTE_COLUMNS, ("attribute",))[0])
        else:
            show_one(record, [field for field in record if field != "source"], output)


def _declare_changes(noun: Noun, type: ComponentType) -> None:
    @noun.command("register", help=f"Register a class as {a(type)} flavor.")
    def register(
        source: Annotated[
            str,
            typer.Argument(
                metavar="MODULE.CLASS",
                help="The class; its module may be in the current folder.",
            ),
        ],
        message: Message = "",
    ) -> None:
        with Workspace.open() as workspace:
            known = workspace.flavors.is_registered(type, source)
            view = workspace.flavors.register(type, source, why=message)
        done = "is already registered; its location is updated"
        echo(f"{type.noun} flavor {view.name!r} {done if known else 'registered, revision 1'}")

    @noun.command("delete", help=f"Delete a registered {type.noun} flavor.")
    def delete(
        name: Annotated[str, _flavor_name(type)],
        expected_revision: ExpectedRevision = None,
        yes: Yes = False,
        message: Message = "",
    ) -> None:
        with Workspace.open() as workspace:
            workspace.flavors.require(type, name)
            confirm(f"{type.noun} flavor {name!r}", yes)
            workspace.flavors.delete(type, name, why=message, expected_revision=expected_revision)
        echo(f"{type.noun} flavor {name!r} deleted, revision 2")


def _flavor_name(type: ComponentType) -> Any:
    return typer.Argument(
        metavar="NAME", help="Name of the flavor.", autocompletion=completion.flavors(type)
    )
