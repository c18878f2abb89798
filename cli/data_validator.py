"""`stackfold data-validator profile`, `check` and `compare`: stored data is validated."""

from pathlib import Path
from typing import Annotated, Any

import typer

from stackfold.cli import completion
from stackfold.cli.options import Output
from stackfold.cli.render import Format, Shape, echo, note, show_one, show_rows
from stackfold.cli.typer_ext import Noun
from stackfold.infrastructure.files.output_file import write_file
from stackfold.infrastructure.files.validation import read_expectations, write_page
from stackfold.infrastructure.workspace import Workspace

_CHECK = ("passed", "column", "name", "value", "threshold", "problem", "examples")
_CHECKS = Shape(_CHECK, ("passed", "column", "name", "value", "threshold", "problem"))
_MOST_FACTS = 8
"""The most statistics of columns in a table."""

_WHICH = (
    "Its name or PIPELINE/STEP/OUTPUT for the latest version, with @VERSION, @LABEL or @ALIAS for "
    "another; or an id."
)
Data = Annotated[
    str,
    typer.Argument(
        metavar="ARTIFACT",
        help=f"The artifact with the table. {_WHICH}",
        autocompletion=completion.artifacts,
    ),
]
Reference = Annotated[
    str,
    typer.Argument(
        metavar="REFERENCE",
        help="The artifact with the table to compare it with.",
        autocompletion=completion.artifacts,
    ),
]
Stack = Annotated[
    str | None,
    typer.Option(
        "--stack",
        "-s",
        metavar="NAME",
        show_default=False,
        help="The stack whose data validator is used; by default the active one.",
        autocompletion=completion.stacks,
    ),
]
NoPickle = Annotated[
    bool,
    typer.Option(
        "--no-pickle", help="Fail instead of loading a pickle, which can execute arbitrary code."
    ),
]
Html = Annotated[
    Path | None,
    typer.Option(
        "--html",
        metavar="FILE",
        show_default=False,
        help="Write the report to a new file as a page: that of the tool, if it makes one.",
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")]
Save = Annotated[
    str,
    typer.Option(
        "--save",
        metavar="NAME",
        show_default=False,
        help="Save the report as the next version of an artifact.",
    ),
]


def declare(noun: Noun) -> None:
    """Add the commands that use a data validator to the group of its components.

    Args:
        noun: The group.
    """

    @noun.command("profile")
    def profile(
        data: Data,
        schema: Annotated[
            Path | None,
            typer.Option(
                "--write-schema",
                metavar="FILE",
                show_default=False,
                help="Write the expectations that the tool suggests to a new file.",
            ),
        ] = None,
        stack: Stack = None,
        no_pickle: NoPickle = False,
        html: Html = None,
        overwrite: Overwrite = False,
        save: Save = "",
        output: Output = Format.TABLE,
    ) -> None:
        """Describe a stored table: its columns, their types and statistics."""
        with Workspace.open() as workspace:
            validator = workspace.component("data_validator", stack=stack)
            report = validator.profile(_table(workspace, data, no_pickle))
            _keep(workspace, report, html, overwrite, save)
        if schema and report.expectations:
            write_file(schema, [report.expectations.encode()], overwrite)
            note(f"the schema is in {schema}")
        elif schema:
            note(f"{report.tool} suggests no schema")
        _show(report, output)

    @noun.command("check")
    def check(
        data: Data,
        schema: Annotated[
            str,
            typer.Option(
                "--schema",
                metavar="SOURCE",
                help="What the table must be like: a file in the tool's format, or an object as "
                "module:object or file.py:object, whose code is executed.",
            ),
        ],
        stack: Stack = None,
        no_pickle: NoPickle = False,
        html: Html = None,
        overwrite: Overwrite = False,
        save: Save = "",
        output: Output = Format.TABLE,
    ) -> None:
        """Check a stored table against a schema; exits with 1 if a check fails."""
        with Workspace.open() as workspace:
            validator = workspace.component("data_validator", stack=stack)
            expectations = read_expectations(schema, validator)
            report = validator.check(_table(workspace, data, no_pickle), expectations)
            _keep(workspace, report, html, overwrite, save)
        _show(report, output)

    @noun.command("compare")
    def compare(
        data: Data,
        reference: Reference,
        target: Annotated[
            str, typer.Option("--target", metavar="COLUMN", help="The column with true values.")
        ] = "",
        prediction: Annotated[
            str,
            typer.Option(
                "--prediction", metavar="COLUMN", help="The column with a model's predictions."
            ),
        ] = "",
        column: Annotated[
            list[str] | None,
            typer.Option(
                "--column",
                metavar="COLUMN",
                show_default=False,
                help="A column to compare, by default all; repeatable.",
            ),
        ] = None,
        stack: Stack = None,
        no_pickle: NoPickle = False,
        html: Html = None,
        overwrite: Overwrite = False,
        save: Save = "",
        output: Output = Format.TABLE,
    ) -> None:
        """Compare a stored table with a reference; exits with 1 if it has drifted."""
        with Workspace.open() as workspace:
            validator = workspace.component("data_validator", stack=stack)
            report = validator.compare(
                _table(workspace, data, no_pickle),
                _table(workspace, reference, no_pickle),
                target=target,
                prediction=prediction,
                columns=column or (),
            )
            _keep(workspace, report, html, overwrite, save)
        _show(report, output)


def _table(workspace: Workspace, name: str, no_pickle: bool) -> Any:
    found = workspace.artifacts.describe(name)
    if found.trust and not no_pickle:
        note(found.trust)
    return workspace.artifacts.load(found.id, no_pickle=no_pickle)


def _keep(workspace: Workspace, report: Any, html: Path | None, overwrite: bool, save: str) -> None:
    """Write the page of a report, and save the report as an artifact, if asked to."""
    if html:
        write_page(report, html, overwrite)
        note(f"the report is in {html}")
    if save:
        note(f"the report is artifact {workspace.artifacts.save(report, save).reference!r}")


def _show(report: Any, output: Format) -> None:
    """Print a report; exits with 1 if a check failed."""
    if output in {Format.JSON, Format.YAML}:
        record = report.record()
        show_one(record, [*record], output)
    elif report.kind == "profile":
        names = [*dict.fromkeys(name for each in report.columns.values() for name in each)]
        fields = ("column", *names)
        rows = [
            {field: {"column": column, **facts}.get(field) for field in fields}
            for column, facts in report.columns.items()
        ]
        show_rows(rows, Shape(fields, fields[: _MOST_FACTS + 1], ("column",)), output)
        _end(report, output)
    else:
        show_rows([_row(each) for each in report.checks], _CHECKS, output)
        _end(report, output)
    if not report.passed:
        raise typer.Exit(1)


def _row(check: Any) -> dict[str, Any]:
    record = {field: getattr(check, field) for field in _CHECK}
    return record | {"examples": ", ".join(check.examples)}


def _end(report: Any, output: Format) -> None:
    if output != Format.TABLE:
        return
    if report.more:
        echo(f"and {report.more:,} more")
    echo(report.summary.partition(":")[0])
