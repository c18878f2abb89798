"""`stackfold artifact`: inspect, export, load, trace and prune the outputs of runs."""

import sys
from datetime import timedelta
from pprint import pformat
from typing import Annotated

import typer

from stackfold.application.artifacts.artifact_views import LineageStep
from stackfold.cli import artifact_content, artifact_names, artifact_outside, show
from stackfold.cli.artifact_content import Reference
from stackfold.cli.escapes import json_text
from stackfold.cli.options import (
    AsOf,
    Columns,
    DryRun,
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
from stackfold.cli.render import (
    Format,
    echo,
    note,
    plain,
    print_value,
    show_one,
    warnings_as_notes,
)
from stackfold.cli.table import table
from stackfold.cli.typer_ext import Noun
from stackfold.domain.errors import UnknownClass
from stackfold.infrastructure.workspace import Workspace

artifact = Noun("artifact", "Save, inspect, export, load, trace and prune artifacts.")


@artifact.command("list")
def list_artifacts(
    id: Annotated[str | None, filter_option("id")] = None,
    name: Annotated[str | None, filter_option("name")] = None,
    version: Annotated[str | None, filter_option("version")] = None,
    pipeline: Annotated[str | None, filter_option("pipeline")] = None,
    step: Annotated[str | None, filter_option("step")] = None,
    type: Annotated[str | None, filter_option("type")] = None,
    materializer: Annotated[str | None, filter_option("materializer")] = None,
    run: Annotated[str | None, filter_option("run")] = None,
    created: Annotated[str | None, filter_option("created")] = None,
    digest: Annotated[str | None, filter_option("digest")] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(
            "--tag", metavar="TAG", show_default=False, help="Only rows with this tag; repeatable."
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
    """List artifacts, newest first.

    A filter matches an equal value, or contains:TEXT, startswith:TEXT, endswith:TEXT, oneof:A,B,...
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
    show.artifacts(output, wanted, parse_columns(columns), latest)


@artifact.command("describe")
def describe(name: Reference, as_of: AsOf = None, output: Output = Format.TABLE) -> None:
    """Show all details of an artifact: its type, origin and location."""
    with Workspace.open() as workspace:
        record = plain(workspace.artifacts.describe(name, as_of=as_of))
    show_one(record, list(record), output)


artifact_content.declare_on(artifact)
artifact_outside.declare_on(artifact)
artifact_names.declare_on(artifact)


@artifact.command("load")
def load(
    name: Reference,
    no_pickle: Annotated[
        bool,
        typer.Option(
            "--no-pickle",
            help="Fail instead of loading a pickle, which can execute arbitrary code.",
        ),
    ] = False,
    as_of: AsOf = None,
) -> None:
    """Print the value of an artifact: text unchanged, other values as Python literals.

    An object whose class is not importable here is printed as JSON.
    """
    with Workspace.open() as workspace, warnings_as_notes():
        found = workspace.artifacts.describe(name, as_of=as_of)
        name, trust = found.id, found.trust
        if trust and not no_pickle:
            note(trust)
        try:
            value = workspace.artifacts.load(name, no_pickle=no_pickle)
        except UnknownClass:
            value = json_text(workspace.artifacts.get(name).show(), indent=2)
    print_value(value if isinstance(value, str) else pformat(value))


@artifact.command("lineage")
def lineage(
    name: Reference,
    upstream: Annotated[
        bool, typer.Option("--upstream", help="Show only its inputs, direct and indirect.")
    ] = False,
    downstream: Annotated[
        bool, typer.Option("--downstream", help="Show only what was derived from it.")
    ] = False,
    output: Output = Format.TABLE,
) -> None:
    """Show what an artifact was derived from, and what was derived from it."""
    both = upstream == downstream
    with Workspace.open() as workspace:
        found = workspace.artifacts.lineage(
            name, upstream=upstream or both, downstream=downstream or both
        )
    if output != Format.TABLE:
        show_one(plain(found), found._fields, output)
        return
    echo(f"artifact {found.artifact.reference}")
    if upstream or both:
        _show_steps("upstream", found.upstream)
    if downstream or both:
        _show_steps("downstream", found.downstream)


@artifact.command("prune")
def prune(
    store: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[STORE]...",
            help="The artifact stores; by default all that are folders in this home.",
        ),
    ] = None,
    grace: Annotated[
        float,
        typer.Option(
            "--grace",
            min=0,
            metavar="HOURS",
            help="Keep unreferenced files younger than this: a run may be about to record them.",
        ),
    ] = 24,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Delete stored files that no run or deployment refers to."""
    with Workspace.open() as workspace:
        if not dry_run:
            confirm("all files that no run or deployment refers to", yes)
        pruned = workspace.artifacts.prune(
            store or (), dry_run=dry_run, grace=timedelta(hours=grace)
        )
    before = "dry run: " if dry_run else ""
    for each in pruned:
        if each.problem:
            note(f"artifact store {each.store} was skipped: {each.problem}")
            continue
        echo(
            f"{before}artifact store {each.store}: {len(each.removed)} removed, {each.size} bytes; "
            f"{each.referenced} kept, {each.young} too young"
        )
        for uri in each.removed:
            echo(f"{before}  {uri}")


def _show_steps(title: str, steps: list[LineageStep]) -> None:
    columns = ("depth", "run", "step", "stack", "stack_revision", "inputs", "outputs")
    rows = [each._asdict() for each in steps]
    text = table(rows, columns, columns[:3])[0] if rows else "none\n"
    sys.stdout.write(f"\n{title}\n{text}")
