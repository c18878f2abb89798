"""`stackfold component list` and `flavor list`: components and flavors of all types."""

from typing import Annotated

import typer

from stackfold.cli import show
from stackfold.cli.options import (
    AsOf,
    Columns,
    OnlyLabels,
    Output,
    Page,
    Size,
    SortBy,
    filter_option,
    listing,
    parse_columns,
)
from stackfold.cli.render import Format
from stackfold.cli.typer_ext import Noun

component = Noun("component", "List the components of all types.")
flavor = Noun("flavor", "List the flavors of all component types.")

ComponentTypes = Annotated[
    str | None,
    typer.Option(
        "--type",
        metavar="[OPERATOR:]VALUE",
        show_default=False,
        help="Only rows whose type matches, such as artifact_store.",
    ),
]


@component.command("list")
def list_components(
    type: ComponentTypes = None,
    name: Annotated[str | None, filter_option("name")] = None,
    flavor: Annotated[str | None, filter_option("flavor")] = None,
    by: Annotated[str | None, filter_option("by")] = None,
    label: OnlyLabels = None,
    sort_by: SortBy = "type",
    page: Page = 1,
    size: Size = show.PAGE,
    columns: Columns = None,
    as_of: AsOf = None,
    output: Output = Format.TABLE,
) -> None:
    """List the components of all types; `stackfold TYPE list` lists those of one."""
    filters = {"type": _underscored(type), "name": name, "flavor": flavor, "by": by}
    wanted = listing(filters, label, sort_by, page, size)
    show.components(None, output, wanted, parse_columns(columns), as_of)


@flavor.command("list")
def list_flavors(
    type: ComponentTypes = None,
    name: Annotated[str | None, filter_option("name")] = None,
    integration: Annotated[str | None, filter_option("integration")] = None,
    installed: Annotated[str | None, filter_option("installed")] = None,
    sort_by: SortBy = "type",
    page: Page = 1,
    size: Size = 100,
    columns: Columns = None,
    output: Output = Format.TABLE,
) -> None:
    """List the flavors of all component types; `stackfold TYPE flavor list` lists those of one."""
    filters = {
        "type": _underscored(type),
        "name": name,
        "integration": integration,
        "installed": installed,
    }
    wanted = listing(filters, None, sort_by, page, size)
    show.flavors(None, output, wanted, parse_columns(columns))


def _underscored(type: str | None) -> str | None:
    """A type as views have it, also if it was given as the command is called."""
    return type and type.replace("-", "_")
