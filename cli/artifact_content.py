"""`stackfold artifact show` and `export`: an artifact in the terminal, or as a file."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from stackfold.application.artifacts.previews import Preview
from stackfold.cli import completion
from stackfold.cli.options import Output
from stackfold.cli.render import Format, echo, note, plain, print_value, show_one
from stackfold.cli.table import table
from stackfold.cli.typer_ext import Noun, WrongUsage
from stackfold.infrastructure.files.output_file import write_file, write_folder
from stackfold.infrastructure.workspace import Workspace

Reference = Annotated[
    str,
    typer.Argument(
        metavar="ARTIFACT",
        help="Its name or PIPELINE/STEP/OUTPUT for the latest version, with @VERSION, @LABEL or "
        "@RUN for another; or an id. OUTPUT may be omitted if the step has one output.",
        autocompletion=completion.artifacts,
    ),
]
_STREAM = Path("-")
_PART = 2**20


def declare_on(artifact: Noun) -> None:
    """Add the commands to the artifact group."""
    artifact.command("show")(show)
    artifact.command("export")(export)


def show(name: Reference, output: Output = Format.TABLE) -> None:
    """Print what an artifact contains: JSON, text, the first rows of a table, or files.

    Of a picture, its size is printed. A pickle is never read, as that can execute code.
    """
    with Workspace.open() as workspace:
        view = workspace.artifacts.get(name).view
        preview = workspace.artifacts.preview(view.id)
    if output != Format.TABLE:
        record = {"artifact": view.reference, **plain(preview)}
        show_one(record, list(record), output)
        return
    _print(preview)
    if view.files is not None:
        note(f"write them to a folder: stackfold artifact export {view.reference} -o FOLDER")
    elif preview.stored and preview.form in {"picture", "drawing", "page"}:
        command = f"stackfold artifact export {view.reference} --preview -o FILE"
        note(f"this is a preview that its materializer made; write it to a file: {command}")
    elif preview.form in {"picture", "drawing", "page", "figure", "other"}:
        note(f"write it to a file: stackfold artifact export {view.reference} -o FILE")


def _print(preview: Preview) -> None:
    if preview.form in {"text", "json"}:
        print_value(preview.text)
    elif preview.form == "numbers":
        for name, number in preview.rows:
            echo(f"{name}: {number}" if name else number)
    else:
        echo(preview.summary)
        if preview.columns:
            # Names of columns may be equal.
            keys = [str(at) for at in range(len(preview.columns))]
            rows = [dict(zip(keys, row, strict=True)) for row in preview.rows]
            text, left_out = table(rows, keys, headings=preview.columns)
            sys.stdout.write(text)
            if left_out:
                note(f"no room for {len(left_out)} of the columns: widen the terminal")
    if preview.cut:
        note(preview.cut)


def export(
    name: Reference,
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATH]...",
            show_default=False,
            help="Of a folder, only these files, and those below these folders.",
        ),
    ] = None,
    file: Annotated[
        Path,
        typer.Option(
            "--output-file",
            "-o",
            metavar="FILE",
            show_default=False,
            help="The file or folder to write; by default stdout, unless it is a terminal.",
        ),
    ] = _STREAM,
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            show_default=False,
            help="Convert a table, array, JSON or picture to csv, json, parquet, npy, png or jpeg.",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", "--force", help="Replace the file if it exists.")
    ] = False,
    preview: Annotated[
        bool,
        typer.Option(
            "--preview", help="Write the text, picture or page that its materializer made instead."
        ),
    ] = False,
) -> None:
    """Write the stored bytes of an artifact to a file, after their digest was checked.

    Of a folder, its files are written to a new folder. Nothing is unpickled for --format.
    """
    if file == _STREAM and sys.stdout.isatty():
        raise WrongUsage("an artifact is not printed on a terminal: give a file with -o FILE")
    with Workspace.open() as workspace:
        view = workspace.artifacts.get(name).view
        if format and (preview or view.files is not None):
            raise WrongUsage("a folder or a preview is not converted: leave out --format")
        if preview:
            if paths:
                raise WrongUsage("a preview is a single file: give no PATH")
            with workspace.artifacts.open_preview(view.id) as stored:
                _write(stored, file, overwrite, f"the preview of artifact {view.reference!r}")
            return
        if view.files is not None:
            if file == _STREAM:
                raise WrongUsage("a folder is not written to stdout: give a folder with -o FOLDER")
            folder = workspace.artifacts.folder(view.id)
            count = write_folder(
                file, lambda target: folder.copy_to(target, paths or ()), overwrite
            )
            files = "1 file" if count == 1 else f"{count:,} files"
            echo(f"artifact {view.reference!r} written to {file}: {files}, sha256 checked")
            return
        if paths:
            raise WrongUsage(f"artifact {view.reference!r} is a single file: give no PATH")
        if format:
            with workspace.artifacts.converted(view.id, format) as stored:
                _write(stored, file, overwrite, f"artifact {view.reference!r}", f"as {format}")
            return
        with workspace.artifacts.open(view.id) as stored:
            _write(stored, file, overwrite, f"artifact {view.reference!r}")


def _write(
    stored: BinaryIO, file: Path, overwrite: bool, what: str, how: str = "sha256 checked"
) -> None:
    if file == _STREAM:
        sys.stdout.flush()
        sys.stdout.buffer.writelines(_parts(stored))
        sys.stdout.buffer.flush()
        return
    write_file(file, _parts(stored), overwrite)
    echo(f"{what} written to {file}: {stored.tell():,} bytes, {how}")


def _parts(file: BinaryIO) -> Iterator[bytes]:
    while part := file.read(_PART):
        yield part
