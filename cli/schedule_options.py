"""The options of the commands that create and change schedules."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from stackfold.cli import completion
from stackfold.cli.options import parse_pairs
from stackfold.cli.typer_ext import Noun
from stackfold.infrastructure.workspace import Workspace

schedule = Noun("schedule", "Start runs at times, or after events.")


class CatchUp(StrEnum):
    """Which missed times are made up for."""

    NONE = "none"
    LAST = "last"
    ALL = "all"


class Overlap(StrEnum):
    """What happens to a time while the run before is running."""

    SKIP = "skip"
    ALLOW = "allow"


class On(StrEnum):
    """The events that start runs."""

    STACK_ACTIVATED = "stack-activated"
    MODEL_PROMOTED = "model-promoted"


def _option(name: str, metavar: str, help: str) -> Any:
    return typer.Option(name, metavar=metavar, show_default=False, help=help)


ScheduleName = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="Name or id of the schedule, or a unique prefix of either.",
        autocompletion=completion.schedules,
    ),
]
Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="The pipeline, as file.py:name or module:name; the name may be omitted if there is "
        "only one.",
    ),
]
NewSource = Annotated[
    str | None, _option("--pipeline", "SOURCE", "The pipeline, as file.py:name or module:name.")
]
Cron = Annotated[
    str | None,
    _option(
        "--cron",
        "EXPRESSION",
        "Minute, hour, day of the month, month and day of the week, such as '0 6 * * 1-5'; or "
        "@hourly, @daily, @weekly, @monthly, @yearly.",
    ),
]
Every = Annotated[
    str | None, _option("--every", "INTERVAL", "An interval from --starts on, such as 15m, 6h, 1d.")
]
At = Annotated[str | None, _option("--at", "TIME", "Once, such as 2026-12-01T06:00.")]
OnEvent = Annotated[
    On | None,
    typer.Option("--on", show_default=False, help="After each event of this kind."),
]
OfStack = Annotated[
    str | None,
    typer.Option(
        "--of-stack",
        metavar="NAME",
        show_default=False,
        help="With --on stack-activated: only this stack.",
        autocompletion=completion.stacks,
    ),
]
OfModel = Annotated[
    str | None,
    typer.Option(
        "--of-model",
        metavar="NAME",
        show_default=False,
        help="With --on model-promoted: only this model.",
        autocompletion=completion.models,
    ),
]
ToAlias = Annotated[
    str | None,
    _option("--to-alias", "ALIAS", "With --on model-promoted: only this stage or alias."),
]
Timezone = Annotated[
    str | None,
    _option("--timezone", "ZONE", "The time zone of all times, such as Europe/Berlin; else UTC."),
]
Starts = Annotated[str | None, _option("--starts", "TIME", "No run starts before.")]
Ends = Annotated[str | None, _option("--ends", "TIME", "No run starts after.")]
Stack = Annotated[
    str | None,
    typer.Option(
        "--stack",
        metavar="NAME",
        show_default=False,
        help="The stack to use; by default the one that is active when a run starts.",
        autocompletion=completion.stacks,
    ),
]
Parameters = Annotated[
    list[str] | None,
    typer.Option(
        "--parameter",
        "-p",
        metavar="NAME=VALUE",
        show_default=False,
        help="A pipeline parameter, containers as JSON; repeatable.",
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        show_default=False,
        help="A YAML file with parameters, options, step settings and the stack; its content is "
        "recorded.",
    ),
]
Tags = Annotated[
    list[str] | None,
    typer.Option("--tag", metavar="TAG", show_default=False, help="Tag the runs; repeatable."),
]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Execute every step in every run.")]
CatchUpOption = Annotated[
    CatchUp | None,
    typer.Option(
        "--catch-up",
        show_default=False,
        help="Which times to make up for at which no process ran the schedule; else none.",
    ),
]
CatchUpLimit = Annotated[
    int | None,
    typer.Option(
        "--catch-up-limit",
        min=1,
        metavar="NUMBER",
        show_default=False,
        help="The most times that --catch-up all makes up for; else 10.",
    ),
]
OverlapOption = Annotated[
    Overlap | None,
    typer.Option(
        "--overlap",
        show_default=False,
        help="Skip a time while the run before is running, or allow several runs; else skip.",
    ),
]
Description = Annotated[str | None, _option("--description", "TEXT", "What the schedule is for.")]
NoCheck = Annotated[
    bool,
    typer.Option("--no-check", help="Do not load the pipeline; it may be on another machine only."),
]


def given(**options: Any) -> dict[str, Any]:
    """The options that were given."""
    return {name: value for name, value in options.items() if value is not None}


def of_event(stack: str | None, model: str | None, alias: str | None) -> dict[str, str] | None:
    """What an event must be about; None for anything."""
    return given(stack=stack, model=model, alias=alias) or None


def configured(
    workspace: Workspace,
    config: Path | None,
    tags: Sequence[str] | None,
    no_cache: bool,
    parameters: Sequence[str] | None,
) -> dict[str, Any]:
    """The arguments of a schedule with which its runs are configured, if there are any."""
    settings: dict[str, Any] = {"tags": tuple(tags)} if tags else {}
    if no_cache:
        settings["enable_cache"] = False
    found: dict[str, Any] = {}
    if config is not None or settings:
        found["configuration"] = workspace.pipelines.configuration(config, **settings)
    if parameters:
        found["parameters"] = parse_pairs("--parameter", parameters)
    return found
