"""Manifest: the list of the files of a stored folder; its digest is the digest of the folder."""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Self

from stackfold.domain.canonical_json import canonical_json
from stackfold.domain.errors import InvalidFolder

FORMAT = "stackfold.tree.v1"
MOST_FILES = 100_000
"""The most files, and empty folders, of one stored folder."""
LARGEST_MANIFEST = 64 * 2**20
"""Bytes."""
LONGEST_PATH = 1024
"""Bytes of UTF-8 in the path of a file below its folder."""

_DIGEST = re.compile("[0-9a-f]{64}")
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\]|^[A-Za-z]:")
"""What no path may contain: control characters, a backslash, or the letter of a drive."""


class StoredFile(NamedTuple):
    """A file of a stored folder."""

    digest: str
    """sha256 of its bytes, in hexadecimal."""
    size: int
    """Length in bytes."""
    executable: bool
    pack: str = ""
    """The digest of the object that contains it among others; empty if it is an object itself."""
    offset: int = 0
    """Where it begins in the pack, in bytes."""

    @property
    def object(self) -> str:
        """The digest of the object that contains its bytes."""
        return self.pack or self.digest


class Manifest(NamedTuple):
    """The files and empty folders of a stored folder."""

    files: Mapping[str, StoredFile]
    """Path, with "/" between its parts → file; sorted by path."""
    empty: Sequence[str]
    """The paths of folders that contain nothing."""

    @property
    def size(self) -> int:
        """The length of all files in bytes."""
        return sum(each.size for each in self.files.values())

    @property
    def objects(self) -> Mapping[str, int]:
        """The digest of each object → its length in bytes."""
        found: dict[str, int] = {}
        for each in self.files.values():
            found[each.object] = max(found.get(each.object, 0), each.offset + each.size)
        return found

    def text(self) -> bytes:
        """Return its canonical JSON, which is equal for equal folders.

        Raises:
            InvalidFolder: It is too long.
        """
        files = {path: _row(each) for path, each in self.files.items()}
        content = {"format": FORMAT, "files": files, "empty": sorted(self.empty)}
        text = canonical_json(content).encode()
        if len(text) > LARGEST_MANIFEST:
            raise InvalidFolder("to store", "has too many files with too long names")
        return text

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """Read a manifest, which may have been written by anybody.

        Raises:
            ValueError: It is no manifest.
            InvalidFolder: A path in it could lead out of the folder, or two are equal.
        """
        content = json.loads(text)
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise ValueError("it is not the list of the files of a folder")
        files = {path: _file(row) for path, row in dict(content["files"]).items()}
        empty = [str(each) for each in content["empty"]]
        must_be_safe([*files, *empty])
        return cls(dict(sorted(files.items())), empty)


def must_be_safe(paths: Iterable[str], folder: str = "in the store") -> None:
    """Reject paths that could lead out of a folder, or that some file systems hold for equal.

    Args:
        paths: Paths below the folder, with "/" between their parts.
        folder: The folder, for error messages.

    Raises:
        InvalidFolder: A path is absolute, has the part "..", is too long, or contains another
            file as a folder; or two are equal in NFC without regard to case.
    """
    known: dict[str, str] = {}
    above: dict[str, str] = {}
    for path in paths:
        problem = _problem(path)
        if problem:
            raise InvalidFolder(folder, f"contains {path[:80]!r}, which {problem}")
        if len(known) >= MOST_FILES:
            raise InvalidFolder(folder, f"has more than {MOST_FILES:,} files: pack them")
        same = _folded(path)
        other = known.setdefault(same, path)
        if other is not path:
            equal = "which differ only in case or in the form of their letters"
            raise InvalidFolder(folder, f"contains {other!r} and {path!r}, {equal}")
        # Two folders whose names differ like that are one folder elsewhere, too.
        parent = path.rpartition("/")[0]
        while parent:
            other = above.setdefault(_folded(parent), parent)
            if other != parent:
                equal = "which differ only in case or in the form of their letters"
                raise InvalidFolder(folder, f"contains {other!r} and {parent!r}, {equal}")
            parent = parent.rpartition("/")[0]
    for same in known.keys() & above.keys():
        raise InvalidFolder(folder, f"contains {known[same]!r} both as a file and as a folder")


def _problem(path: str) -> str:
    if not path or path.startswith("/"):
        return "is not below the folder"
    if any(part in {"", ".", ".."} for part in path.split("/")):
        return "has a part that is empty, '.' or '..'"
    if _FORBIDDEN.search(path):
        return "contains a character that file systems reserve"
    try:
        long = len(path.encode()) > LONGEST_PATH
    except UnicodeEncodeError:
        return "is not valid Unicode"
    return f"is longer than {LONGEST_PATH} bytes" if long else ""


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def _row(file: StoredFile) -> list[Any]:
    row: list[Any] = [file.digest, file.size, 755 if file.executable else 644]
    return [*row, file.pack, file.offset] if file.pack else row


def _file(row: Any) -> StoredFile:
    digest, size, mode, *packed = row
    pack, offset = packed or ("", 0)
    digests = [digest, *([pack] if pack else [])]
    if not all(isinstance(each, str) and _DIGEST.fullmatch(each) for each in digests):
        raise ValueError("a digest in it is no sha256")
    if type(size) is not int or type(offset) is not int or size < 0 or offset < 0:
        raise ValueError("a length in it is no number")
    return StoredFile(digest, size, mode == 755, pack, offset)
