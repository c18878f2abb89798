"""`stackfold artifact`: what runs produced."""

import sys
from datetime import timedelta
from pprint import pformat
from typing import Annotated

import typer

from stackfold.application.artifacts.artifact_views import LineageStep
from stackfold.cli import completion, show
from stackfold.cli.escapes import json_text
from stackfold.cli.options import (
    Columns,
    DryRun,
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
from stackfold.cli.render import (
    Format,
    hand_over,
    note,
    plain,
    say,
    show_one,
    warnings_as_notes,
)
from stackfold.cli.table import table
from stackfold.cli.typer_ext import Noun
from stackfold.domain.errors import UnknownClass
from stackfold.infrastructure.workspace import Workspace

artifact = Noun("artifact", "Look up, load, trace and prune what runs produced.")

Reference = Annotated[
    str,
    typer.Argument(
        metavar="ARTIFACT",
        help="PIPELINE/STEP/OUTPUT, which is its latest version, with @VERSION or @RUN for "
        "another; or its id. OUTPUT may be left out if the step has one.",
        autocompletion=completion.artifacts,
    ),
]


@artifact.command("list")
def list_artifacts(
    id: Annotated[str | None, matching("id")] = None,
    name: Annotated[str | None, matching("name")] = None,
    version: Annotated[str | None, matching("version")] = None,
    pipeline: Annotated[str | None, matching("pipeline")] = None,
    step: Annotated[str | None, matching("step")] = None,
    type: Annotated[str | None, matching("type")] = None,
    materializer: Annotated[str | None, matching("materializer")] = None,
    run: Annotated[str | None, matching("run")] = None,
    created: Annotated[str | None, matching("created")] = None,
    digest: Annotated[str | None, matching("digest")] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(
            "--tag", metavar="TAG", show_default=False, help="Only those with it; repeatable."
        ),
    ] = None,
    latest: Annotated[
        bool, typer.Option("--latest", help="Only the latest version of each name.")
    ] = False,
    sort_by: SortBy = "desc:position",
    page: Page = 1,
    size: Size = show.PAGE,
    columns: Columns = None,
    output: Output = Format.TABLE,
) -> None:
    """List artifacts, the latest first.

    A VALUE must be equal; or write contains:, startswith:, endswith: or oneof:A,B,... before it.
    """
    filters = {
        "id": id,
        "name": name,
        "version": version,
        "pipeline": pipeline,
        "step": step,
        "type": type,
        "materializer": materializer,
        "run": run,
        "created": created,
        "digest": digest,
    }
    wanted = listing(filters, None, sort_by, page, size)._replace(tags=tuple(tag or ()))
    show.artifacts(output, wanted, chosen(columns), latest)


@artifact.command("describe")
def describe(name: Reference, output: Output = Format.TABLE) -> None:
    """Show everything about an artifact: what it is, what made it, and where it is."""
    with Workspace.open() as workspace:
        record = plain(workspace.artifact_queries.describe_artifact(name))
    show_one(record, list(record), output)


@artifact.command("load")
def load(
    name: Reference,
    no_pickle: Annotated[
        bool,
        typer.Option("--no-pickle", help="Refuse a pickle, which executes what the store holds."),
    ] = False,
) -> None:
    """Print the value of an artifact, as Python shows it; a text as it is.

    An object of a class of your own, such as a data class, is printed as JSON.
    """
    with Workspace.open() as workspace, warnings_as_notes():
        trust = workspace.artifact_queries.describe_artifact(name).trust
        if trust and not no_pickle:
            note(trust)
        try:
            value = workspace.artifacts.load(name, no_pickle=no_pickle)
        except UnknownClass:
            value = json_text(workspace.artifacts.get(name).show(), indent=2)
    hand_over(value if isinstance(value, str) else pformat(value))


@artifact.command("lineage")
def lineage(
    name: Reference,
    upwards: Annotated[bool, typer.Option("--upwards", help="Only what it was made of.")] = False,
    downwards: Annotated[
        bool, typer.Option("--downwards", help="Only what was made of it.")
    ] = False,
    output: Output = Format.TABLE,
) -> None:
    """Show what an artifact was made of, and what was made of it: steps, runs and stacks."""
    both = upwards == downwards
    with Workspace.open() as workspace:
        found = workspace.artifact_queries.lineage(name, upwards or both, downwards or both)
    if output != Format.TABLE:
        show_one(plain(found), found._fields, output)
        return
    say(f"artifact {found.artifact.reference}")
    if upwards or both:
        _show_steps("made of", found.upwards)
    if downwards or both:
        _show_steps("made into", found.downwards)


@artifact.command("prune")
def prune(
    store: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[STORE]...",
            help="Artifact stores; by default all whose artifacts lie in this home.",
        ),
    ] = None,
    grace: Annotated[
        float,
        typer.Option(
            "--grace",
            min=0,
            metavar="HOURS",
            help="Leave alone what was written so lately: a run may be about to record it.",
        ),
    ] = 24,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Remove what no run or deployment refers to any more, and what killed writers left behind."""
    with Workspace.open() as workspace:
        if not dry_run:
            confirm("what no run or deployment refers to", yes)
        pruned = workspace.artifacts.prune(
            store or (), dry_run=dry_run, grace=timedelta(hours=grace)
        )
    before = "dry run: " if dry_run else ""
    for each in pruned:
        if each.problem:
            note(f"artifact store {each.store} was left alone: {each.problem}")
            continue
        say(
            f"{before}artifact store {each.store}: {len(each.removed)} removed, {each.size} bytes; "
            f"{each.kept} kept, {each.young} too young"
        )
        for uri in each.removed:
            say(f"{before}  {uri}")


def _show_steps(title: str, steps: list[LineageStep]) -> None:
    columns = ("depth", "run", "step", "stack", "stack_revision", "takes", "gives")
    rows = [each._asdict() for each in steps]
    text = table(rows, columns, columns[:3])[0] if rows else "nothing\n"
    sys.stdout.write(f"\n{title}\n{text}")
