"""Reads the value in a file of a common format: CSV, JSON, npy, Parquet, a picture or text.

Nothing is unpickled, and no class of the user is instantiated.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from stackfold.domain.errors import InvalidFile
from stackfold.domain.errors.wording import text_of
from stackfold.infrastructure.files.input_file import read_bytes, read_text
from stackfold.infrastructure.files.regular_file import open_regular, regular_file
from stackfold.infrastructure.system.environment import importable

LARGEST_TEXT = 2**28
"""The most bytes of JSON and text, which are held in memory several times."""

FORMATS = ("csv", "json", "npy", "parquet", "png", "text", "bytes")
_SUFFIXES = {
    ".csv": "csv",
    ".json": "json",
    ".npy": "npy",
    ".parquet": "parquet",
    ".png": "png",
    ".txt": "text",
    ".md": "text",
}


def format_of(path: Path) -> str:
    """The format that the name of a file says; "bytes" for an unknown one."""
    return _SUFFIXES.get(path.suffix.lower(), "bytes")


def read_value(path: Path, format: str) -> Any:
    """Return the value in a file.

    Args:
        path: The file.
        format: One of `FORMATS`, but "bytes".

    Raises:
        InvalidFile: It is no file, cannot be read, or has another format; or the package that
            reads it is not installed.
        TooLarge: It is JSON or text of more than `LARGEST_TEXT` bytes.
    """
    regular_file(path)
    try:
        return _READERS[format](path)
    except (InvalidFile, OSError, ImportError):
        raise
    except Exception as error:  # of a parser
        reason = " ".join(text_of(error).split())
        raise InvalidFile(str(path), f"is not {format}: {reason:.200}") from error


def _csv(path: Path) -> Any:
    _require(path, "pandas", "pyarrow")
    import pandas

    frame = pandas.read_csv(path)
    for name in frame.columns:
        # Parquet, in which it is stored, has one kind of missing text.
        if frame[name].dtype == object:
            frame[name] = frame[name].where(frame[name].notna(), None)
    return frame


def _parquet(path: Path) -> Any:
    _require(path, "pandas", "pyarrow")
    import pandas

    return pandas.read_parquet(path, engine="pyarrow")


def _npy(path: Path) -> Any:
    _require(path, "numpy")
    import numpy

    with open_regular(path) as file:
        if file.read(6) != b"\x93NUMPY":
            raise InvalidFile(str(path), "is not npy")
    return numpy.load(path, mmap_mode="r", allow_pickle=False).view(numpy.ndarray)


def _png(path: Path) -> Any:
    _require(path, "PIL")
    from PIL import Image

    with Image.open(path, formats=["PNG"]) as picture:
        picture.load()
        return picture.copy()


def _json(path: Path) -> Any:
    return json.loads(read_bytes(path, LARGEST_TEXT))


def _text(path: Path) -> str:
    return read_text(path, LARGEST_TEXT)


_READERS: Mapping[str, Callable[[Path], Any]] = {
    "csv": _csv,
    "json": _json,
    "npy": _npy,
    "parquet": _parquet,
    "png": _png,
    "text": _text,
}


def _require(path: Path, *packages: str) -> None:
    missing = [each for each in packages if not importable(each)]
    if missing:
        raise InvalidFile(
            str(path),
            f"cannot be read as a value, as {' and '.join(missing)} is not installed: install it, "
            "or store the file itself with --format bytes",
        )
