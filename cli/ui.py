"""`stackfold ui`: show the log in the browser."""

from typing import Annotated

import typer

from stackfold.cli.render import echo, note
from stackfold.cli.typer_ext import Noun
from stackfold.domain.errors import Unavailable
from stackfold.infrastructure.workspace import Workspace

PORT = 8470

ui = Noun("stackfold", "")


@ui.command("ui")
def show_in_browser(
    port: Annotated[
        int,
        typer.Option(
            "--port", min=0, max=65535, metavar="NUMBER", help="The port; 0 for a free one."
        ),
    ] = PORT,
    host: Annotated[
        str,
        typer.Option(
            "--host",
            metavar="HOST",
            help="The name or address to listen on. Others than this machine's own let everybody "
            "who has the printed address read the log, over an unencrypted connection.",
        ),
    ] = "127.0.0.1",
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Only print the address.")
    ] = False,
    allow_changes: Annotated[
        bool,
        typer.Option(
            "--allow-changes",
            help="Let the pages activate, revert, restore, undo and rerun, each after a dry run "
            "and with a reason, in your name.",
        ),
    ] = False,
) -> None:
    """Show stacks, runs and the log in the browser, until Ctrl-C.

    Prints the address to open, which contains a key. The pages change nothing, unless
    `--allow-changes` is given.
    """
    try:
        from stackfold.web.server import serve
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] not in {"jinja2", "starlette", "uvicorn"}:
            raise
        problem = f"it needs the package {error.name}: pip install 'stackfold[ui]'"
        raise Unavailable("the browser interface", problem) from error

    def ready(address: str) -> None:
        echo(address)
        note("press Ctrl-C to stop")
        if not no_browser:
            _open(address)

    with Workspace.open() as workspace:
        serve(workspace, host, port, ready, allow_changes=allow_changes)


def _open(address: str) -> None:
    import threading
    import webbrowser

    # A browser of the terminal would wait until it is closed.
    threading.Thread(target=webbrowser.open, args=[address], daemon=True).start()
