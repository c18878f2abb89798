"""`stackfold reactions`: hand events to functions and webhooks, and see how far these have come."""

from typing import Annotated, Any

import typer

from stackfold.application.reactions.views import FailedDelivery, ReactionView
from stackfold.cli.options import Columns, Limit, Output, Yes, confirm, parse_columns
from stackfold.cli.render import Format, Shape, echo, first_rows, note, show_rows, warnings_as_notes
from stackfold.cli.typer_ext import Noun, WrongUsage
from stackfold.cli.workers import reported, stopping
from stackfold.infrastructure.workspace import Workspace

LOGGER = "stackfold.reactions"

reactions = Noun("reactions", "Hand events to functions and webhooks, at least once each.")

_VIEW = Shape(
    ReactionView._fields, ("name", "position", "lag", "retrying", "parked", "running", "updated")
)
_FAILED = Shape(
    FailedDelivery._fields,
    ("reaction", "position", "topic", "status", "attempts", "due", "error"),
    ("reaction", "position", "status"),
)

ReactionName = Annotated[
    str, typer.Argument(metavar="NAME", help="The name of the reaction, as in `reactions list`.")
]
Positions = Annotated[
    list[int] | None,
    typer.Argument(
        metavar="[POSITION]...",
        min=1,
        help="The positions of the events; by default all that are parked.",
        show_default=False,
    ),
]


@reactions.command("run")
def run(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...",
            help="Reactions of Stackfold and installed packages; by default all of them, unless "
            "--module or --webhook is given.",
            show_default=False,
        ),
    ] = None,
    module: Annotated[
        list[str] | None,
        typer.Option(
            "--module",
            metavar="FILE.PY|MODULE[:NAME]",
            show_default=False,
            help="Execute a file or module and run the reactions in it; repeatable.",
        ),
    ] = None,
    webhook: Annotated[
        str | None,
        typer.Option(
            "--webhook",
            metavar="URL",
            show_default=False,
            help="Send events to this http or https URL, or to that in a secret {{NAME.KEY}}.",
        ),
    ] = None,
    secret: Annotated[
        str | None,
        typer.Option(
            "--secret",
            metavar="{{NAME.KEY}}",
            show_default=False,
            help="Where the key is that signs requests to --webhook.",
        ),
    ] = None,
    topic: Annotated[
        list[str] | None,
        typer.Option(
            "--topic",
            metavar="TOPIC",
            show_default=False,
            help="Send only events of this topic to --webhook; repeatable.",
        ),
    ] = None,
    webhook_name: Annotated[
        str | None,
        typer.Option(
            "--webhook-name",
            metavar="NAME",
            show_default=False,
            help="The name of the reaction for --webhook; by default webhook-HOST.",
        ),
    ] = None,
    from_start: Annotated[
        bool,
        typer.Option(
            "--from-start",
            help="Begin with the first event of the log, not the next one, where a reaction was "
            "never run.",
        ),
    ] = False,
    timeout: Annotated[
        float | None,
        typer.Option(
            "--timeout",
            min=0,
            metavar="SECONDS",
            show_default=False,
            help="End when no event arrives for this time; by default run until interrupted.",
        ),
    ] = None,
) -> None:
    """Run reactions until interrupted; events that they miss meanwhile are handled later.

    Prints a line for each event that is handled, retried or parked. Several workers may run the
    same reaction: they take turns.
    """
    if webhook is None and (secret or topic or webhook_name):
        raise WrongUsage("--secret, --topic and --webhook-name require --webhook", context)
    if webhook is not None and secret is None:
        raise WrongUsage("--webhook requires --secret", context)
    with Workspace.open() as workspace, warnings_as_notes(), stopping() as stop, reported(LOGGER):
        wanted: list[Any] = []
        if names or not (module or webhook):
            wanted += workspace.reactions.installed(*names or ())
        for source in module or ():
            wanted += workspace.reactions.load(source)
        if webhook is not None and secret is not None:
            wanted.append(
                workspace.reactions.webhook(
                    webhook, secret=secret, topics=topic or (), name=webhook_name
                )
            )
        note(f"running {', '.join(each.name for each in wanted)}")
        workspace.reactions.run(wanted, stop=stop, timeout=timeout, from_start=from_start)


@reactions.command("list")
def list_reactions(
    failed: Annotated[
        bool,
        typer.Option(
            "--failed", help="List the events that are retried or parked instead, with the error."
        ),
    ] = False,
    limit: Limit = None,
    columns: Columns = None,
    output: Output = Format.TABLE,
) -> None:
    """List the reactions that were run on this log, with their lag and what is parked.

    The lag is the number of events that a reaction has not handled yet.
    """
    with Workspace.open() as workspace:
        found: Any = workspace.reactions.failed() if failed else workspace.reactions.list()
        found = first_rows(found, limit)
    shape = _FAILED if failed else _VIEW
    show_rows([each._asdict() for each in found], shape, output, parse_columns(columns))


@reactions.command("retry")
def retry(name: ReactionName, positions: Positions = None) -> None:
    """Let a worker handle parked events again, with all attempts left, out of their order."""
    with Workspace.open() as workspace:
        count = workspace.reactions.retry(name, *positions or ())
    echo(f"{_events(count)} of {name!r} to be retried by a worker")


@reactions.command("skip")
def skip(name: ReactionName, positions: Positions = None, yes: Yes = False) -> None:
    """Give up events that are parked or retried.

    Asks for confirmation on a terminal; requires --yes elsewhere.
    """
    with Workspace.open() as workspace:
        confirm(f"failed events of the reaction {name!r}", yes)
        count = workspace.reactions.skip(name, *positions or ())
    echo(f"{_events(count)} of {name!r} given up")


@reactions.command("reset")
def reset(
    name: ReactionName,
    after: Annotated[
        int | None,
        typer.Option(
            "--after",
            min=0,
            metavar="POSITION",
            show_default=False,
            help="Continue after this position, 0 for all events; by default with the next event.",
        ),
    ] = None,
    yes: Yes = False,
) -> None:
    """Let a reaction continue elsewhere in the log, and forget which events it failed on.

    Required after the log was replaced. Asks for confirmation on a terminal; requires --yes
    elsewhere.
    """
    with Workspace.open() as workspace:
        confirm(f"the checkpoint of the reaction {name!r}", yes)
        view = workspace.reactions.reset(name, after)
    echo(f"reaction {name!r} continues after #{view.position}")


# -- helpers


def _events(count: int) -> str:
    return f"{count} event{'' if count == 1 else 's'}"
