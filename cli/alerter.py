"""`stackfold alerter post` and `ask`."""

import sys
from typing import Annotated

import typer

from stackfold.cli import completion
from stackfold.cli.options import parse_pairs
from stackfold.cli.render import Format, echo, show_one
from stackfold.cli.typer_ext import Noun, WrongUsage
from stackfold.infrastructure.workspace import Workspace

MOST_CHARACTERS = 1_000_000
"""Of a message that is read from standard input."""

Words = Annotated[
    list[str],
    typer.Argument(
        metavar="[NAME] TEXT",
        show_default=False,
        help="The alerter, by default the first of the stack, and the message; - reads it from "
        "standard input.",
    ),
]
Stack = Annotated[
    str | None,
    typer.Option(
        "--stack",
        "-s",
        metavar="NAME",
        show_default=False,
        help="The stack whose alerter is used; by default the active one.",
        autocompletion=completion.stacks,
    ),
]
Title = Annotated[
    str, typer.Option("--title", metavar="TEXT", show_default=False, help="A title, in one line.")
]
Facts = Annotated[
    list[str] | None,
    typer.Option(
        "--fact",
        metavar="NAME=TEXT",
        show_default=False,
        help="A fact that is shown below the message; repeatable.",
    ),
]
Link = Annotated[
    str, typer.Option("--link", metavar="URL", show_default=False, help="An http or https URL.")
]
AsJson = Annotated[
    Format, typer.Option("--output", "-o", metavar="FORMAT", help="Print a table, or json.")
]


def declare(noun: Noun) -> None:
    """Add the commands that send messages to the group of alerters.

    Args:
        noun: The group.
    """

    @noun.command("post")
    def post(
        words: Words,
        title: Title = "",
        level: Annotated[
            str, typer.Option("--level", metavar="LEVEL", help="info, warning or error.")
        ] = "info",
        facts: Facts = None,
        link: Link = "",
        stack: Stack = None,
    ) -> None:
        """Send a message to people; exits with 1 if it could not be sent, strict or not."""
        name, text = _name_and_text(words)
        pairs = parse_pairs("--fact", facts)
        with Workspace.open() as workspace:
            alerter = workspace.component("alerter", name, stack=stack)
            alerter.post(text, title=title, level=level, facts=pairs, link=link, strict=True)
        echo("the message is sent")

    @noun.command("ask")
    def ask(
        words: Words,
        title: Title = "",
        timeout: Annotated[
            float,
            typer.Option("--timeout", metavar="SECONDS", help="How long to wait for the answer."),
        ] = 3600.0,
        facts: Facts = None,
        link: Link = "",
        stack: Stack = None,
        output: AsJson = Format.TABLE,
    ) -> None:
        """Ask people to approve something, and wait; exits with 1 unless it is approved."""
        name, text = _name_and_text(words)
        pairs = parse_pairs("--fact", facts)
        with Workspace.open() as workspace:
            alerter = workspace.component("alerter", name, stack=stack)
            answer = alerter.ask(text, title=title, timeout=timeout, facts=pairs, link=link)
        if output == Format.TABLE:
            said = f": {' '.join(answer.text.split())}" if answer.text else ""
            echo(f"{'approved' if answer.approved else 'rejected'} by {answer.by}{said}")
        else:
            show_one(answer._asdict(), answer._fields, output)
        if not answer.approved:
            raise typer.Exit(1)


def _name_and_text(words: list[str]) -> tuple[str | None, str]:
    if len(words) > 2:
        raise WrongUsage("give the message as one argument, in quotes")
    name = words[0] if len(words) == 2 else None
    text = words[-1]
    return name, sys.stdin.read(MOST_CHARACTERS) if text == "-" else text
