"""`stackfold secret`: manage secrets, which are stored outside the log."""

import sys
from collections.abc import Mapping
from typing import Annotated

import typer

from stackfold.cli import completion, show
from stackfold.cli.options import (
    Columns,
    Output,
    Page,
    Size,
    SortBy,
    Yes,
    confirm,
    filter_option,
    listing,
    parse_columns,
    read_values,
)
from stackfold.cli.render import Format, Shape, echo, note, show_one, show_rows
from stackfold.cli.typer_ext import ConfiguringCommand, Noun, WrongUsage, attributes_of
from stackfold.domain.limits import SECRET
from stackfold.infrastructure.files.input_file import read_stdin
from stackfold.infrastructure.workspace import Workspace

secret = Noun(
    "secret", "Manage secrets, which are stored outside the log; {{name.key}} refers to them."
)

_FIELDS = ("name", "store", "keys", "components")
_SHAPE = Shape(_FIELDS, _FIELDS)
_STDIN = "-"

SecretName = Annotated[
    str,
    typer.Argument(metavar="NAME", help="Name of the secret.", autocompletion=completion.secrets),
]


@secret.command("create", ConfiguringCommand)
def create(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The name: 1 to 64 letters, digits, '_' or '-'.")
    ],
    store: Annotated[
        str | None,
        typer.Option(
            "--store",
            metavar="STORE",
            show_default=False,
            help="keyring, encrypted or file; by default STACKFOLD_SECRET_STORE, or the first of "
            "these that is available.",
        ),
    ] = None,
) -> None:
    """Create a secret from --KEY=VALUE, --KEY=@FILE, or --KEY=- for stdin.

    Values on the command line end up in the history of the shell; files and stdin do not.
    """
    given = _values(attributes_of(context))
    with Workspace.open() as workspace:
        view = workspace.secrets.create(name, given, store)
        echo(f"secret {view.name!r} created in the store {view.store!r}")
        if view.store == "file":
            folder = workspace.home / "secrets"
            note(
                f"the values are plain text in {folder}, readable only by you; see docs/secrets.md"
            )


@secret.command("list")
def list_secrets(
    name: Annotated[str | None, filter_option("name")] = None,
    store: Annotated[str | None, filter_option("store")] = None,
    sort_by: SortBy = "name",
    page: Page = 1,
    size: Size = show.PAGE,
    columns: Columns = None,
    output: Output = Format.TABLE,
) -> None:
    """List secrets, without their values."""
    wanted = listing({"name": name, "store": store}, None, sort_by, page, size)
    with Workspace.open() as workspace:
        views = workspace.secrets.list(wanted)
    show_rows([view._asdict() for view in views], _SHAPE, output, parse_columns(columns))
    if not views:
        note("no secret matches" if wanted.where or page > 1 else "no secret yet")


@secret.command("get")
def get(
    name: SecretName,
    show: Annotated[bool, typer.Option("--show", help="Also show the values.")] = False,
    output: Output = Format.TABLE,
) -> None:
    """Show the keys of a secret and the components that refer to it."""
    with Workspace.open() as workspace:
        record = workspace.secrets.get(name)._asdict()
        if show:
            record["values"] = dict(workspace.secrets.values(name))
    show_one(record, [*record], output)


@secret.command("update", ConfiguringCommand)
def update(
    context: typer.Context,
    name: SecretName,
    remove_key: Annotated[
        list[str] | None,
        typer.Option(
            "--remove-key", metavar="KEY", show_default=False, help="Remove a key; repeatable."
        ),
    ] = None,
) -> None:
    """Set and remove values of a secret; others are unchanged."""
    given = _values(attributes_of(context))
    removed = [key.replace("-", "_") for key in remove_key or ()]
    if not given and not removed:
        raise WrongUsage("nothing to update: give --KEY=VALUE or --remove-key KEY", context)
    with Workspace.open() as workspace:
        view = workspace.secrets.update(name, given, removed)
    echo(f"secret {view.name!r} updated in the store {view.store!r}")


@secret.command("delete")
def delete(name: SecretName, yes: Yes = False) -> None:
    """Delete a secret permanently."""
    with Workspace.open() as workspace:
        users = workspace.secrets.get(name).components
        used = f" ({' and '.join(users)} cannot be used without it)" if users else ""
        confirm(f"secret {name!r}{used}", yes)
        view = workspace.secrets.delete(name)
    echo(f"secret {view.name!r} deleted from the store {view.store!r}")


def _values(given: Mapping[str, str]) -> dict[str, str]:
    streamed = [key for key, text in given.items() if text == _STDIN]
    if len(streamed) > 1:
        raise WrongUsage(f"only one value can be read from stdin, not {' and '.join(streamed)}")
    found = read_values({key: text for key, text in given.items() if text != _STDIN})
    for key in streamed:
        found[key] = _from_stdin(key)
    # Keep the order of the command line.
    return {key: found[key] for key in given}


def _from_stdin(key: str) -> str:
    if sys.stdin.isatty():
        from getpass import getpass

        return getpass(f"{key}: ", sys.stderr)
    return read_stdin(SECRET).removesuffix("\n")
