"""Stackfold as it is installed here, as a wheel for somewhere else.

An image gets the very code that made it, whether or not an index has that version; the wheel is
the same, byte for byte, as long as the code is.
"""

import base64
import hashlib
import io
import os
import zipfile
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from stackfold.domain.errors import InstallFailed

_THE_BEGINNING = (1980, 1, 1, 0, 0, 0)
"""The earliest time that an archive can tell; the time of making would be another every time."""
_WHEEL = "Wheel-Version: 1.0\nGenerator: stackfold\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


class Wheel(NamedTuple):
    """A package that pip can install."""

    name: str
    """The name of its file, which tells pip what it is."""
    content: bytes


@cache
def stackfold_wheel() -> Wheel:
    """The running Stackfold, in the format of https://packaging.python.org/specifications/.

    Raises:
        InstallFailed: It runs from a source tree that was never installed.
    """
    try:
        installed = distribution("stackfold")
    except PackageNotFoundError as error:
        raise InstallFailed("this Stackfold runs from its source: install it with pip") from error
    stem = f"stackfold-{installed.version}"
    told = f"{stem}.dist-info"
    members = [*_modules()]
    members.append((f"{told}/METADATA", (installed.read_text("METADATA") or "").encode()))
    members.append((f"{told}/WHEEL", _WHEEL.encode()))
    members.append(
        (f"{told}/entry_points.txt", (installed.read_text("entry_points.txt") or "").encode())
    )
    record = "".join(f"{name},{_digest(content)},{len(content)}\n" for name, content in members)
    members.append((f"{told}/RECORD", f"{record}{told}/RECORD,,\n".encode()))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in members:
            entry = zipfile.ZipInfo(name, _THE_BEGINNING)
            entry.external_attr = 0o644 << 16
            opened.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return Wheel(f"{stem}-py3-none-any.whl", archive.getvalue())


def _modules() -> Iterator[tuple[str, bytes]]:
    found = find_spec("stackfold")
    (root,) = (found and found.submodule_search_locations) or [""]
    for folder, folders, names in os.walk(root, followlinks=True):  # links: of an editable install
        folders[:] = sorted(each for each in folders if each != "__pycache__")
        for name in sorted(names):
            path = Path(folder, name)
            if path.suffix != ".pyc":
                inside = Path("stackfold", path.relative_to(root)).as_posix()
                yield inside, path.read_bytes()


def _digest(content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest())
    return f"sha256={digest.decode().rstrip('=')}"
