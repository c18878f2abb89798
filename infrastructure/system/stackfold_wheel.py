"""Builds a wheel of the running Stackfold, to install it in an image.

The image has exactly the code that built it, even if no package index has that version. The same
code results in the same wheel, byte for byte.
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

_TIME = (1980, 1, 1, 0, 0, 0)
"""The modification time of all files: the earliest in a zip file, so that wheels are equal."""
_WHEEL = "Wheel-Version: 1.0\nGenerator: stackfold\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


class Wheel(NamedTuple):
    """A package that pip can install."""

    name: str
    """The name of its file, from which pip reads the package and version."""
    content: bytes


@cache
def stackfold_wheel() -> Wheel:
    """Build a wheel of the running Stackfold; see https://packaging.python.org/specifications/.

    Raises:
        InstallFailed: It runs from a source tree that was never installed.
    """
    try:
        installed = distribution("stackfold")
    except PackageNotFoundError as error:
        raise InstallFailed("this Stackfold runs from its source: install it with pip") from error
    stem = f"stackfold-{installed.version}"
    metadata = f"{stem}.dist-info"
    members = [*_modules()]
    members.append((f"{metadata}/METADATA", (installed.read_text("METADATA") or "").encode()))
    members.append((f"{metadata}/WHEEL", _WHEEL.encode()))
    members.append(
        (f"{metadata}/entry_points.txt", (installed.read_text("entry_points.txt") or "").encode())
    )
    record = "".join(f"{name},{_digest(content)},{len(content)}\n" for name, content in members)
    members.append((f"{metadata}/RECORD", f"{record}{metadata}/RECORD,,\n".encode()))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in members:
            entry = zipfile.ZipInfo(name, _TIME)
            entry.external_attr = 0o644 << 16
            opened.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return Wheel(f"{stem}-py3-none-any.whl", archive.getvalue())


def _modules() -> Iterator[tuple[str, bytes]]:
    found = find_spec("stackfold")
    (root,) = (found and found.submodule_search_locations) or [""]
    for folder, folders, names in os.walk(root, followlinks=True):  # an editable install has links
        folders[:] = sorted(each for each in folders if each != "__pycache__")
        for name in sorted(names):
            path = Path(folder, name)
            if path.suffix != ".pyc":
                inside = Path("stackfold", path.relative_to(root)).as_posix()
                yield inside, path.read_bytes()


def _digest(content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest())
    return f"sha256={digest.decode().rstrip('=')}"
