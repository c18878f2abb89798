"""`stackfold TYPE flavor`: what components of a type can be of."""

import sys
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from stackfold.cli import completion, show
from stackfold.cli.nouns import a
from stackfold.cli.options import (
    Columns,
    Message,
    Output,
    Page,
    Size,
    SortBy,
    Yes,
    chosen,
    confirm,
    listing,
    matching,
)
from stackfold.cli.render import Format, say, show_one
from stackfold.cli.table import table
from stackfold.cli.typer_ext import Noun
from stackfold.domain.stacks.component_type import ComponentType
from stackfold.infrastructure.workspace import Workspace

_ATTRIBUTE_COLUMNS = ("attribute", "type", "required", "default", "description")


def flavor(type: ComponentType) -> Noun:
    """The commands for the flavors of a type."""
    noun = Noun("flavor", f"Look up {type.noun} flavors, and register your own.")
    _declare_questions(noun, type)
    _declare_changes(noun, type)
    return noun


def _declare_questions(noun: Noun, type: ComponentType) -> None:
    @noun.command("list", help=f"List the {type.noun} flavors.")
    def list_flavors(
        name: Annotated[str | None, matching("name")] = None,
        integration: Annotated[str | None, matching("integration")] = None,
        installed: Annotated[str | None, matching("installed")] = None,
        summary: Annotated[str | None, matching("summary")] = None,
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
        show.flavors(type, output, wanted, chosen(columns))

    @noun.command("describe", help=f"Show {a(type)} flavor and each attribute it can be given.")
    def describe(name: Annotated[str, _flavor_name(type)], output: Output = Format.TABLE) -> None:
        with Workspace.open() as workspace:
            record = workspace.flavors.describe(type, name)._asdict()
        schema = record["schema"]
        if output == Format.TABLE:
            # For people: the schema as a table of its own, and where the class is.
            show_one(record, [field for field in record if field != "schema"])
            rows = list(attributes(schema))
            if rows:
                sys.stdout.write("\n" + table(rows, _ATTRIBUTE_COLUMNS, ("attribute",))[0])
        else:
            show_one(record, [field for field in record if field != "source"], output)


def _declare_changes(noun: Noun, type: ComponentType) -> None:
    @noun.command("register", help=f"Make a class of your own known as {a(type)} flavor.")
    def register(
        source: Annotated[
            str,
            typer.Argument(
                metavar="MODULE.CLASS",
                help="The class; its module is looked for in the current folder too.",
            ),
        ],
        message: Message = "",
    ) -> None:
        with Workspace.open() as workspace:
            known = workspace.flavors.is_registered(type, source)
            view = workspace.flavors.register(type, source, why=message)
        done = "is registered already; it is found here from now on"
        say(f"{type.noun} flavor {view.name!r} {done if known else 'registered, revision 1'}")

    @noun.command("delete", help=f"Forget {a(type)} flavor of your own.")
    def delete(
        name: Annotated[str, _flavor_name(type)], yes: Yes = False, message: Message = ""
    ) -> None:
        with Workspace.open() as workspace:
            workspace.catalogue.require(type, name)
            confirm(f"{type.noun} flavor {name!r}", yes)
            workspace.flavors.delete(type, name, why=message)
        say(f"{type.noun} flavor {name!r} deleted, revision 2")


def _flavor_name(type: ComponentType) -> Any:
    return typer.Argument(
        metavar="NAME", help="The flavor's name.", autocompletion=completion.flavors(type)
    )


def attributes(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A row for each attribute of a configuration's JSON schema."""
    required = schema.get("required", ())
    for name, described in schema.get("properties", {}).items():
        yield {
            "attribute": name,
            "type": _kind(described, schema),
            "required": name in required,
            "default": described.get("default"),
            "description": described.get("description"),
        }


def _kind(described: dict[str, Any], schema: dict[str, Any]) -> str:
    """The type of a value in a word or two."""
    match described:
        case {"$ref": reference}:
            return _kind(schema["$defs"][reference.rpartition("/")[2]], schema)
        case {"anyOf": kinds} | {"oneOf": kinds}:
            names = [_kind(each, schema) for each in kinds]
            return " or ".join(name for name in names if name != "null")
        case {"format": "secret-reference"}:
            return "secret"
        case {"enum": values}:
            return " or ".join(map(repr, values))
        case {"const": value}:
            return repr(value)
        case {"type": "array", "items": items} if items:
            return f"list of {_kind(items, schema)}"
        case {"type": kind}:
            return str(kind)
    return "anything"
