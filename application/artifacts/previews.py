"""Previews: what an artifact contains, as far as it can be shown without executing anything."""

from collections.abc import Mapping
from typing import BinaryIO, Literal, NamedTuple, Protocol

from stackfold.domain.limits import size as size_text

Form = Literal[
    "numbers", "json", "text", "table", "picture", "drawing", "page", "figure", "pickle", "other"
]
"""How a preview is to be shown."""

LARGEST = 64 * 2**20
"""The most bytes of an artifact that has a preview."""
MOST_ROWS = 12
MOST_COLUMNS = 30
MOST_FILES = 100
"""The most files of a folder that its preview lists."""

PICKLE_SENTENCE = (
    "A pickle. Looking inside would execute what the store contains, so it is not read."
)


class Preview(NamedTuple):
    """What an artifact contains."""

    form: Form
    summary: str
    """What it is, in one line, such as "Parquet, 1,000 rows, 3 columns"."""
    media_type: str = ""
    """Of a picture or page, by its content."""
    text: str = ""
    """The text, or JSON as text."""
    columns: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    """The type of each column; empty if columns have none."""
    rows: tuple[tuple[str, ...], ...] = ()
    """The first rows of a table, or pairs of a name and a number."""
    cut: str = ""
    """What is not shown, such as "and 988 more rows"; empty if everything is shown."""
    stored: bool = False
    """Whether the materializer made it when the step returned the value."""


class PreviewReader(Protocol):
    """Reads previews of stored bytes."""

    def read(self, file: BinaryIO, size: int, materializer: str, seconds: float) -> Preview:
        """Return the preview of an artifact.

        Bytes that are damaged, or not what the materializer writes, have a preview that says so.

        Args:
            file: The stored bytes, whose digest was checked.
            size: Their number.
            materializer: The name of the materializer that wrote them.
            seconds: How long to parse, at most.
        """
        ...


def preview_of_files(files: Mapping[str, int]) -> Preview:
    """Return the preview of a folder.

    Args:
        files: Path → length in bytes.
    """
    rows = tuple((path, f"{size:,}") for path, size in [*files.items()][:MOST_FILES])
    count = "1 file" if len(files) == 1 else f"{len(files):,} files"
    left = len(files) - len(rows)
    return Preview(
        "table",
        f"Folder, {count}, {sum(files.values()):,} bytes",
        columns=("file", "bytes"),
        rows=rows,
        cut=f"and {left:,} more file{'s' * (left > 1)}" if left else "",
    )


def without_reading(materializer: str, size: int) -> Preview | None:
    """Return the preview of an artifact that is not to be read; None if it may be read.

    Args:
        materializer: The name of the materializer that wrote it.
        size: Length in bytes.
    """
    if materializer == "cloudpickle":
        return Preview("pickle", PICKLE_SENTENCE)
    if size > LARGEST:
        return Preview("other", f"No preview: it is larger than {size_text(LARGEST)}.")
    return None
